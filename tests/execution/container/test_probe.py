"""What a Python tells of itself: the loader in its file says which C library it needs."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from groundup.execution.container import probe
from groundup.execution.container.platforms import Facts


def elf(loader: str, *, is_64: bool = True, order: str = "<") -> bytes:
    """Return the beginning of an executable that names its loader."""
    text = loader.encode() + b"\0"
    ident = b"\x7fELF" + bytes([2 if is_64 else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    size, table = (56, 64) if is_64 else (32, 52)
    place = table + 2 * size
    if is_64:
        head = struct.pack(f"{order}HHIQQQIHHHHHH", 2, 62, 1, 0, table, 0, 0, 64, size, 2, 0, 0, 0)
        entries = struct.pack(f"{order}IIQQQQQQ", 1, 0, 0, 0, 0, 0, 0, 0)
        entries += struct.pack(f"{order}IIQQQQQQ", 3, 0, place, 0, 0, len(text), len(text), 1)
    else:
        head = struct.pack(f"{order}HHIIIIIHHHHHH", 2, 3, 1, 0, table, 0, 0, 52, size, 2, 0, 0, 0)
        entries = struct.pack(f"{order}IIIIIIII", 1, 0, 0, 0, 0, 0, 0, 0)
        entries += struct.pack(f"{order}IIIIIIII", 3, place, 0, 0, len(text), len(text), 0, 1)
    return ident + head + entries + text


@pytest.mark.parametrize("is_64", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_loader_is_read_from_the_file(is_64: bool, order: str, tmp_path: Path) -> None:
    file = tmp_path / "python"
    file.write_bytes(elf("/lib/ld-musl-x86_64.so.1", is_64=is_64, order=order))
    assert probe.interpreter(str(file)) == "/lib/ld-musl-x86_64.so.1"


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF", elf("/lib/x")[:80]])
def test_what_names_no_loader(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "python").write_bytes(content)
    assert probe.interpreter(str(tmp_path / "python")) == ""
    assert probe.interpreter(str(tmp_path / "missing")) == ""


def test_musl_is_told_by_its_loader_and_asked_for_its_version(tmp_path: Path) -> None:
    loader = tmp_path / "ld-musl-x86_64.so.1"
    loader.write_text(
        "#!/bin/sh\nprintf 'musl libc (x86_64)\\nVersion 1.2.5\\nDynamic Program Loader\\n' >&2\nexit 1\n"
    )
    loader.chmod(0o755)
    (tmp_path / "python").write_bytes(elf(str(loader)))
    assert probe.c_library(str(tmp_path / "python")) == ("musl", "1.2")


def test_this_python_is_told_as_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", Path(probe.__file__).read_text()],
        capture_output=True,
        text=True,
        check=True,
    )
    facts = Facts.read(done.stdout)
    assert facts.version == sys.version_info[:3]
    assert facts.executable == os.path.realpath(sys.executable)
    assert json.loads(done.stdout)["shell"] is True
