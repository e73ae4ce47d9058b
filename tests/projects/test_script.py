"""Scripts are read as Python reads them."""

import codecs
from pathlib import Path

import pytest

from groundup.errors import UserError
from groundup.projects.script import Script, read_script


def test_bytes_are_source_code() -> None:
    assert read_script(b"print(1)") == Script(b"print(1)", None)
    assert read_script(b"print(1)").name == "<script>"


@pytest.mark.parametrize("as_type", [str, Path])
def test_text_and_paths_name_a_file(tmp_path: Path, as_type: type) -> None:
    file = tmp_path / "s.py"
    file.write_bytes(b"print(1)\r\n")
    script = read_script(as_type(file))
    assert script == Script(b"print(1)\r\n", file)
    assert script.name == str(file)


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.py").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert read_script("s.py").path == tmp_path / "s.py"


@pytest.mark.parametrize("name", ["missing.py", "."])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot read the script"):
        read_script(tmp_path / name)


@pytest.mark.parametrize(
    "content",
    [
        "x = 'ä'\n".encode(),
        codecs.BOM_UTF8 + "x = 'ä'\n".encode(),
        "x = 'ä'\r\n".encode(),
        "x = 'ä'\r".encode(),
    ],
)
def test_utf8_with_any_line_end_or_bom(content: bytes) -> None:
    assert Script(content).text() == "x = 'ä'\n"


def test_an_encoding_line_counts() -> None:
    assert Script("# coding: latin-1\nx = 'ä'\n".encode("latin-1")).text().endswith("x = 'ä'\n")


@pytest.mark.parametrize("content", [b"x = '\xff'\n", b"# coding: nonsense\n", b"# coding: ascii\n\xc3\xa4"])
def test_what_cannot_be_decoded_is_named(content: bytes) -> None:
    with pytest.raises(UserError, match=r"^/s\.py: cannot be decoded"):
        Script(content, Path("/s.py")).text()
