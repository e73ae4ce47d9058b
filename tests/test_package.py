"""`import groundup`: every public name is there, and nothing is imported before it is used."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import groundup

CHECKOUT = Path(__file__).resolve().parents[1]


def imported_by(code: str) -> set[str]:
    """Return the modules of groundup, and others, that a fresh interpreter has loaded for `code`."""
    report = f"import sys; before = set(sys.modules); {code}; print(*set(sys.modules) - before)"
    source = f"import sys; sys.path.insert(0, {str(CHECKOUT / 'src')!r}); {report}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", source], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_else() -> None:
    assert imported_by("import groundup") <= {"groundup", "__future__"}


def test_a_name_imports_its_own_room_only() -> None:
    rooms = {
        name.split(".")[1]
        for name in imported_by("from groundup import state")
        if name.startswith("groundup.")
    }
    assert rooms == {"dag", "errors"}


@pytest.mark.parametrize("name", groundup.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(groundup, name) is not None
    assert name in dir(groundup)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'groundup' has no attribute 'nothing'"):
        _ = groundup.nothing  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_metadata() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert groundup.__version__ == project["version"]
