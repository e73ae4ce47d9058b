"""What an error of the kernel must look like."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.support.process import describe
from tests.support.trees import walk


class Told(NamedTuple):
    """The two lines of an error, without their prefixes."""

    error: str
    hint: str


def told(done: subprocess.CompletedProcess[str], code: int) -> Told:
    """Return the error that a kernel ended with, having checked its form.

    Exactly one `error:` line, followed at the end by exactly one `hint:` line that is not empty; exit code
    `code`; nothing on stdout; no traceback.
    """
    lines = done.stderr.splitlines()
    errors = [line for line in lines if re.match(r"\s*error:", line)]
    hints = [line for line in lines if re.match(r"\s*hint:", line)]
    assert (len(errors), len(hints)) == (1, 1), describe(done)
    assert lines[-2:] == [errors[0], hints[0]], describe(done)
    assert errors[0].startswith("error: "), describe(done)
    assert re.match(r"hint: \S", hints[0]), describe(done)
    assert (done.returncode, done.stdout) == (code, ""), describe(done)
    assert "Traceback" not in done.stderr, describe(done)
    return Told(errors[0].removeprefix("error: "), hints[0].removeprefix("hint: "))


def files_that_hold(secret: str, *roots: Path) -> list[Path]:
    """Return the files under `roots` whose name or content holds `secret`."""
    wanted = secret.encode()
    return [
        path
        for root in roots
        for path in walk(root)
        if secret in path.name or (path.is_file() and not path.is_symlink() and wanted in path.read_bytes())
    ]
