"""What a script requires runs no code outside of the sandbox, where it may choose what that is."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from groundup import ExecutionFailed, ExecutionRuntime, SandboxExecutionRuntime
from groundup.errors import UserError
from groundup.execution.container.engine import Engine
from tests.support.containers import docker, runtime_of
from tests.support.users import User, requiring
from tests.support.wheels import build_wheel

__all__ = ["docker"]

BACKEND = """
import os, shutil
open({mark!r}, "w").close()
def build_wheel(folder, *_, **__):
    return os.path.basename(shutil.copy({wheel!r}, folder))
"""
SETTINGS = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@pytest.fixture
def mark(user: User) -> Path:
    """The file that the hostile distribution makes when it is built, beside which it is: as a folder, too."""
    mark = user.home / "mark"
    wheel = build_wheel(user.home / "built", "hostile", "3.0")
    files = {
        "backend.py": BACKEND.format(mark=str(mark), wheel=str(wheel)),
        "pyproject.toml": f'{SETTINGS}[project]\nname = "hostile"\nversion = "3.0"\n',
        "PKG-INFO": "Metadata-Version: 2.1\nName: hostile\nVersion: 3.0\n",
    }
    (user.home / "hostile").mkdir()
    with tarfile.open(user.home / "hostile-3.0.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            (user.home / "hostile" / name).write_text(text)
            info = tarfile.TarInfo(f"hostile-3.0/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return mark


WAYS = {
    "an address": ("hostile @ file://{home}/hostile-3.0.tar.gz", ""),
    "a folder": ("hostile", '[tool.uv.sources]\nhostile = {{ path = "{home}/hostile" }}'),
    "a list of archives": ("hostile", '[tool.uv]\nfind-links = ["{home}"]'),
    "builds that are allowed": ("hostile", '[tool.uv]\nno-build = false\nfind-links = ["{home}"]'),
}


def script(way: str, user: User) -> bytes:
    """Return a script that requires the hostile distribution."""
    requirement, settings = (text.format(home=user.home) for text in WAYS[way])
    lines = ["/// script", f"dependencies = [{requirement!r}]", *settings.splitlines(), "///"]
    return "\n".join(["".join(("# ", line)) for line in lines] + ["import hostile; print('ran')"]).encode()


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_built(way: str, user: User, mark: Path, runtime: SandboxExecutionRuntime) -> None:
    with pytest.raises(ExecutionFailed) as failed:
        runtime.run_script(script(way, user))
    assert failed.value.phase in ("resolve", "install")
    assert not mark.exists()
    assert runtime.run_script(script(way, user), check=False).phase in ("resolve", "install")
    assert ExecutionRuntime().run_script(script(way, user)).stdout == "ran\n"  # the same one bites here
    assert mark.exists()
    with pytest.raises(ExecutionFailed):  # what the host has is not taken
        runtime.run_script(script(way, user))


def test_it_is_where_that_is_asked_for(user: User, mark: Path) -> None:
    assert SandboxExecutionRuntime(build=True).run_script(script("a folder", user)).stdout == "ran\n"
    assert mark.exists()


SETTINGS_OF_UV = [
    'python-downloads-json-url = "file:///nowhere"',
    'python-install-mirror = "file:///nowhere"',
    'keyring-provider = "subprocess"',
    'cache-dir = "/tmp/cache"',
]


@pytest.mark.parametrize("setting", SETTINGS_OF_UV)
def test_settings_that_could_bring_other_code_are_refused(
    setting: str, user: User, runtime: SandboxExecutionRuntime
) -> None:
    source = f"# /// script\n# [tool.uv]\n# {setting}\n# ///\nprint('ran')".encode()
    with pytest.raises(UserError, match="acts outside of its isolation") as refused:
        runtime.run_script(source)
    assert "build=True" in refused.value.hint


def test_containers_build_nothing_either(user: User, mark: Path, docker: Engine) -> None:
    with runtime_of(user, docker) as runtime:
        with pytest.raises(UserError, match="'cache-dir' for uv, which acts outside of its isolation"):
            runtime.run_script(b'# /// script\n# [tool.uv]\n# cache-dir = "/tmp/cache"\n# ///\n')
        with pytest.raises(ExecutionFailed) as failed:
            runtime.run_script(script("an address", user))
    assert failed.value.phase in ("resolve", "install")
    assert not mark.exists()


def test_wheels_are_taken(user: User, runtime: SandboxExecutionRuntime) -> None:
    source = requiring("beta").replace("# ///\n", '# [tool.uv]\n# prerelease = "allow"\n# ///\n')
    source += "import beta; beta.main()"
    assert runtime.run_script(source.encode()).stdout == "beta with alpha 1.1\n"
