"""Each state alone, with a real repository of the component."""

import hashlib
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from groundup.dag import ParamsError
from groundup.dag.testing import reach

import groundup_states as states

PROJECT = """
[project]
name = "shades"
version = "1.0"
description = "Shades of grey."

[build-system]
requires = ["flit_core>=3.9"]
build-backend = "flit_core.buildapi"
"""


class Upstream:
    """The component's own repository, where others work."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "src/shades").mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PROJECT)
        self.git("init", "--quiet")

    def commit(self, text: str) -> str:
        """Change the component, and return the new commit."""
        (self.folder / "src/shades/__init__.py").write_text(text)
        self.git("add", ".")
        self.git("-c", "user.name=them", "-c", "user.email=them@example.com", "commit", "-qm", "change")
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


def check_out(root: Path, upstream: Upstream, commit: str) -> states.Source:
    pin = {"url": str(upstream.folder), "commit": commit}
    return reach(states.source, overrides={"repo_root": root}, params=pin)


def module(root: Path) -> str:
    return (root / states.SOURCE / "src/shades/__init__.py").read_text()


def test_the_pinned_commit_is_checked_out_whatever_came_later(tmp_path: Path, upstream: Upstream) -> None:
    pinned = upstream.commit("SHADE = 1")
    upstream.commit("SHADE = 2")
    source = check_out(tmp_path, upstream, pinned)
    assert source == states.Source(folder=tmp_path / states.SOURCE, commit=pinned)
    assert module(tmp_path) == "SHADE = 1"


def test_the_pin_moves_on_and_back(tmp_path: Path, upstream: Upstream) -> None:
    commits = [upstream.commit("SHADE = 1"), upstream.commit("SHADE = 2")]
    for commit, shade in [(commits[0], 1), (commits[1], 2), (commits[0], 1)]:
        check_out(tmp_path, upstream, commit)
        assert module(tmp_path) == f"SHADE = {shade}"


def test_a_checkout_is_satisfied_until_somebody_changes_it(tmp_path: Path, upstream: Upstream) -> None:
    pin = states.Pin(url=str(upstream.folder), commit=upstream.commit("SHADE = 1"))
    check = states.source.check
    assert not check(tmp_path, pin)
    check_out(tmp_path, upstream, pin.commit)
    assert check(tmp_path, pin)
    (tmp_path / states.SOURCE / "src/shades/__init__.py").write_text("SHADE = 3")
    assert not check(tmp_path, pin)
    check_out(tmp_path, upstream, pin.commit)
    assert check(tmp_path, pin)


def test_a_branch_is_no_pin(tmp_path: Path, upstream: Upstream) -> None:
    with pytest.raises(ParamsError, match="commit"):
        check_out(tmp_path, upstream, "main")


def test_a_wheel_is_built_and_recorded(tmp_path: Path, upstream: Upstream) -> None:
    source = check_out(tmp_path, upstream, upstream.commit("SHADE = 1"))
    wheel = reach(states.wheel, overrides={"repo_root": tmp_path, "source": source})
    assert zipfile.ZipFile(wheel).read("shades/__init__.py") == b"SHADE = 1"
    parents = {"repo_root": tmp_path, "source": source, "wheel": wheel}
    release = reach(states.release, overrides=parents)
    assert release.sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert release.commit == source.commit
    assert json.loads((tmp_path / states.RELEASE).read_text()) == release.model_dump()
