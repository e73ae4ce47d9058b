"""uv is called with nothing of the caller's environments, and its words reach the user."""

import os
from pathlib import Path

import pytest

from groundup.errors import GroundupError
from groundup.projects.errors import ProvisioningError
from groundup.projects.uv import find_uv, run_uv, uv_environment
from tests.support.users import User


def passing_on(uv: Path, folder: Path) -> Path:
    """Make a uv that writes its arguments into the file `asked` and passes them on; return its path."""
    folder.mkdir(exist_ok=True)
    aside = folder / "aside"
    aside.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\nexec {uv} "$@"\n')
    aside.chmod(0o755)
    return aside.rename(folder / "uv")


def test_uv_is_the_kernels(user: User, uv: Path) -> None:
    assert find_uv() == uv


def test_without_uv_and_index_the_kernel_says_why(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(user.home))
    with pytest.raises(GroundupError, match="uv") as refused:
        find_uv()
    assert refused.value.hint


def test_uv_is_asked_for_its_version_once_while_it_stays_the_same(
    user: User, uv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = passing_on(uv, user.home / "bin")
    monkeypatch.setenv("PATH", f"{own.parent}:{user.env['PATH']}")
    asked = own.with_name("asked")
    assert [find_uv(), find_uv()] == [own, own]
    assert asked.read_text() == "--version\n"
    passing_on(uv, own.parent)
    assert find_uv() == own
    assert asked.read_text() == "--version\n" * 2
    own.unlink()
    assert find_uv() == uv


@pytest.mark.parametrize(
    "name",
    [
        *("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME"),
        *("UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_FROZEN"),
    ],
)
def test_what_would_mislead_uv_is_dropped(name: str, user: User) -> None:
    assert name not in uv_environment({name: "x"})


@pytest.mark.parametrize("name", ["HOME", "HTTPS_PROXY", "UV_DEFAULT_INDEX", "UV_CACHE_DIR", "UV_OFFLINE"])
def test_what_belongs_to_the_machine_passes(name: str, user: User) -> None:
    assert uv_environment({name: "x"})[name] == "x"


def test_the_index_of_pip_is_the_index_of_uv(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple/")
    assert uv_environment(os.environ)["UV_DEFAULT_INDEX"] == "http://127.0.0.1:9/simple/"
    assert "UV_DEFAULT_INDEX" not in uv_environment(os.environ, own_index=True)


def test_interpreters_of_version_managers_are_on_the_path(user: User) -> None:
    versions = user.home / ".pyenv/versions"
    for version in ("3.9.18", "2.7.18", "3.11.0"):
        (versions / version / "bin").mkdir(parents=True)
    path = uv_environment({"PATH": "/usr/bin", "PYENV_ROOT": str(user.home / ".pyenv")})["PATH"]
    expected = ["/usr/bin", f"{versions}/3.11.0/bin", f"{versions}/3.9.18/bin"]
    assert path.split(os.pathsep)[:3] == expected


def test_a_failure_carries_phase_exit_code_and_uvs_words(user: User) -> None:
    with pytest.raises(ProvisioningError, match=r"cannot do it: .*unexpected argument") as failed:
        run_uv("venv", "--nonsense", folder=user.home, environ=user.env, phase="resolve", what="cannot do it")
    assert (failed.value.phase, failed.value.uv_exit_code) == ("resolve", 2)
    assert "--nonsense" in failed.value.uv_output


def test_credentials_in_uvs_words_are_masked(user: User) -> None:
    address = "http://someone:hushhush@127.0.0.1:9/x-1.0-py3-none-any.whl"
    with pytest.raises(ProvisioningError) as failed:
        run_uv(
            "pip", "download-nonsense", address, folder=user.home, environ=user.env, phase="install", what="x"
        )
    assert "hushhush" not in str(failed.value) + failed.value.uv_output
