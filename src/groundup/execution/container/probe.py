"""The program that says what a Python is for: run by the image's own, CPython 3.6 and newer, as ``-c`` code.

It prints one line of JSON: executable, version, implementation, machine, C library and its version, and
whether there is a shell.
"""

import json
import os
import platform
import re
import struct
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO  # noqa: F401 - in a comment

PT_INTERP = 3


def main():  # type: () -> None
    """Print what this Python is."""
    kind, version = c_library(sys.executable)
    facts = {
        "executable": os.path.realpath(sys.executable),
        "version": list(sys.version_info[:3]),
        "implementation": sys.implementation.name,
        "machine": platform.machine(),
        "libc": kind,
        "libc_version": version,
        "shell": os.access("/bin/sh", os.X_OK),
    }
    sys.stdout.write(json.dumps(facts) + "\n")


def c_library(executable):  # type: (str) -> tuple[str, str]
    """Return which C library an executable needs, ``glibc`` or ``musl``, with its version."""
    loader = interpreter(executable)
    if "ld-musl" in loader:
        done = subprocess.run([loader], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        found = re.search(r"Version (\d+\.\d+)", done.stderr.decode("utf-8", "replace"))
        return "musl", found.group(1) if found else ""
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    except (ValueError, OSError):
        return "", ""
    return name, version


def interpreter(executable):  # type: (str) -> str
    """Return the loader that an ELF file names; an empty text when it is none, or is linked statically."""
    try:
        with open(executable, "rb") as file:  # noqa: PTH123
            return _interpreter(file)
    except (OSError, struct.error):
        return ""


def _interpreter(file):  # type: (BinaryIO) -> str
    ident = file.read(16)
    if len(ident) < 16 or ident[:4] != b"\x7fELF":
        return ""
    order = "<" if ident[5] == 1 else ">"
    is_64 = ident[4] == 2
    file.seek(32 if is_64 else 28)
    (table,) = struct.unpack(order + ("Q" if is_64 else "I"), file.read(8 if is_64 else 4))
    file.seek(54 if is_64 else 42)
    size, count = struct.unpack(order + "HH", file.read(4))
    for number in range(count):
        file.seek(table + number * size)
        entry = file.read(size)
        if struct.unpack_from(order + "I", entry)[0] == PT_INTERP:
            offset = struct.unpack_from(order + ("Q" if is_64 else "I"), entry, 8 if is_64 else 4)[0]
            length = struct.unpack_from(order + ("Q" if is_64 else "I"), entry, 32 if is_64 else 16)[0]
            file.seek(offset)
            return file.read(length).rstrip(b"\0").decode("utf-8", "replace")
    return ""


if __name__ == "__main__":
    main()
