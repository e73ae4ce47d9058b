"""Wheels that want out of the folder that they are installed into, or to run at once: of an unread script."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from groundup import ExecutionRuntime
from groundup.execution.container.engine import Engine
from groundup.execution.sandbox import SandboxExecutionRuntime
from groundup.projects import create_project
from tests.support.containers import docker, runtime_of
from tests.support.users import User, small_index, user, uv, wheels
from tests.support.wheels import build_wheel

__all__ = ["docker", "small_index", "user", "uv", "wheels"]

UP = "../" * 12
KINDS = (
    "a path that leads up",
    "an absolute path",
    "data that leads up",
    "a script that leads up",
    "a command that leads up",
    "a file behind a link",
)


def hostile(kind: str, outside: Path, folder: Path) -> Path:
    """Make a wheel that wants to write `outside`/planted."""
    planted = f"{outside}/planted"
    up = f"{UP}{planted.lstrip('/')}"
    modules = {
        "a path that leads up": {up: "x"},
        "an absolute path": {planted: "x"},
        "data that leads up": {f"hostile-1.0.data/data/{up}": "x"},
        "a script that leads up": {f"hostile-1.0.data/scripts/{up}": "#!python\n"},
        "a file behind a link": {"way/planted": "x"},
    }.get(kind, {})
    scripts = {up: "hostile:main"} if kind == "a command that leads up" else None
    wheel = build_wheel(folder, "hostile", modules={"hostile.py": "", **modules}, scripts=scripts)
    if kind == "a file behind a link":
        link = zipfile.ZipInfo("way")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        with zipfile.ZipFile(wheel, "a") as archive:
            archive.writestr(link, str(outside))
    return wheel


@pytest.fixture
def outside(user: User) -> Path:
    """A folder that everybody may write."""
    folder = user.home / "outside"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def requiring_it(wheel: Path) -> bytes:
    lines = ["# /// script", f'# dependencies = ["hostile @ file://{wheel}"]', "# ///", "print('ran')"]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("kind", KINDS)
def test_it_writes_nothing_outside(kind: str, user: User, docker: Engine, outside: Path) -> None:
    source = requiring_it(hostile(kind, outside, user.home))
    with runtime_of(user, docker) as container:
        for runtime in (SandboxExecutionRuntime(), container, ExecutionRuntime()):
            runtime.run_script(source, check=False)
    assert list(outside.iterdir()) == []


def test_they_would_bite(user: User, outside: Path) -> None:
    """What unpacks by the names that are in them plants the file."""
    for kind in KINDS[:2]:
        wheel = hostile(kind, outside, user.home)
        folder = user.home / "a/b"
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                place = Path(os.path.join(folder, name))  # noqa: PTH118
                if place.name == "planted":
                    place.write_bytes(archive.read(name))
        assert [path.name for path in outside.iterdir()] == ["planted"]
        (outside / "planted").unlink()


def test_what_it_would_start_with_python_runs_inside_alone(user: User, docker: Engine, outside: Path) -> None:
    planted = str(outside / "planted")
    start = f"import os; os.path.isdir({str(outside)!r}) and open({planted!r}, 'w').close()\n"
    modules = {"hostile.py": "", "hostile.pth": start}
    source = requiring_it(build_wheel(user.home, "hostile", modules=modules))
    with runtime_of(user, docker) as container:
        for runtime in (SandboxExecutionRuntime(), container):
            assert runtime.run_script(source).stdout == "ran\n"
    assert list(outside.iterdir()) == []
    create_project(source, id="made")
    assert list(outside.iterdir()) == []
    assert SandboxExecutionRuntime().run_project("made").stdout == "ran\n"
    assert list(outside.iterdir()) == []
    assert ExecutionRuntime().run_project("made").stdout == "ran\n"
    assert [path.name for path in outside.iterdir()] == ["planted"]  # it bites
