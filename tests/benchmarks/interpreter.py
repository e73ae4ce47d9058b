"""An interpreter whose start is its own: hooks in site-packages cost more than what is measured here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.interpreters import stripped
from tests.support.process import clean_env, interpreters, run

# The version, then everything that runs at each start: .pth files with code, sitecustomize, usercustomize.
HOOKS = """
import glob, os, platform, site, sys
print(platform.python_implementation(), platform.python_version())
for folder in site.getsitepackages() + [site.getusersitepackages()]:
    for path in sorted(glob.glob(os.path.join(folder, "*.pth"))):
        with open(path, encoding="utf-8", errors="replace") as file:
            if any(line.startswith(("import ", "import\\t")) for line in file):
                print(os.path.basename(path))
for name in ("sitecustomize", "usercustomize"):
    if name in sys.modules:
        print(name)
"""


@dataclass(frozen=True)
class Interpreter:
    """An interpreter without hooks: where it is, its name and version, and how it came to have none."""

    path: Path
    version: str
    origin: str


def without_hooks(wanted: Path | None, folder: Path) -> Interpreter:
    """Return `wanted`, else the first interpreter of this machine that has no hooks.

    Where there is none such, it is copied into `folder` without its site-packages.
    """
    home = folder / "home"
    found = [wanted] if wanted else list(candidates())
    for python in found:
        version, hooks = describe(python, home)
        if not hooks:
            return Interpreter(python, version, "no .pth hooks")
    copy = stripped(found[0], folder / "python")
    return Interpreter(copy, describe(copy, home)[0], "a copy without site-packages, so without .pth hooks")


def candidates() -> Iterator[Path]:
    """Yield the interpreter behind this one, then the machine's others, newest first."""
    yield Path(sys._base_executable)  # type: ignore[attr-defined]
    yield from (path for version, path in reversed(interpreters().items()) if is_neo(version))


def is_neo(version: str) -> bool:
    return int(version.partition(".")[2]) >= 11


def describe(python: Path, home: Path) -> tuple[str, list[str]]:
    """Return name and version of an interpreter, and its hooks as a user whose home is `home` gets them."""
    done = run([str(python), "-c", HOOKS], env=clean_env(home), cwd=Path("/"), check=True)
    version, *hooks = done.stdout.splitlines()
    return version, hooks
