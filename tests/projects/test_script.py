"""Scripts are read as Python reads them."""

import codecs
import os
import threading
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


def test_what_can_be_read_once_is_in_no_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"print(1)",))
    writer.start()
    assert read_script(pipe) == Script(b"print(1)", None)
    writer.join()


def test_an_open_file_is_in_no_file_either(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_bytes(b"print(1)")
    with (tmp_path / "s.py").open() as opened:
        assert read_script(f"/dev/fd/{opened.fileno()}") == Script(b"print(1)", None)


def test_a_working_folder_that_was_removed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UserError, match=r"cannot read the script s\.py"):
        read_script("s.py")


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


@pytest.mark.parametrize(
    "content",
    [
        b"x = '\xff'\n",
        b"# coding: ascii\n\xc3\xa4",
        *(b"# coding: " + encoding + b"\n" for encoding in (b"nonsense", b"hex", b"undefined", b"punycode")),
    ],
)
def test_what_cannot_be_decoded_is_named(content: bytes) -> None:
    with pytest.raises(UserError, match=r"^/s\.py: cannot be decoded"):
        Script(content, Path("/s.py")).text()
