"""Real git repositories, of a user who has configured nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


def git_environment(home: Path) -> dict[str, str]:
    """Return the variables of a user whose only configuration of git is `home`/.gitconfig."""
    home.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
    }


def git(folder: Path, *words: str, fails: bool = False) -> str:
    """Run git in `folder` with the variables of this process; return what it printed.

    `fails`: whether it is expected to fail; anything else raises AssertionError with all it said.
    """
    done = subprocess.run(
        ["git", *AUTHOR, *words],
        cwd=folder,
        env={**os.environ, "GIT_ALLOW_PROTOCOL": "file"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if (done.returncode != 0) is not fails:
        raise AssertionError(f"git {' '.join(words)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def new_repository(folder: Path) -> Path:
    """Make a git repository with one commit; return `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "first")
    return folder


def commit(folder: Path, *, fails: bool = False) -> str:
    """Make an empty commit, for which git runs the hooks; return what was printed."""
    return git(folder, "commit", "--allow-empty", "--message", "another", fails=fails)


def saying(text: str) -> str:
    """Return the script of a hook that says `text`."""
    return f"#!/bin/sh\necho {text}\n"
