"""A component of another repository: checked out at a pinned commit, built, and its artifact recorded."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

from groundup import GroundupError, Params, Retries, state
from pydantic import BaseModel, StringConstraints

SOURCE = "build/source"
WHEELS = "build/wheels"
RELEASE = "build/release.json"


class Pin(BaseModel):
    """Where the component is from; the commit decides, whatever becomes of branches and tags."""

    url: str
    commit: Annotated[str, StringConstraints(pattern="^[0-9a-f]{40}$")]


class Source(BaseModel):
    """A checkout."""

    folder: Path
    commit: str

    def __str__(self) -> str:
        return f"commit {self.commit[:12]}"


class Release(BaseModel):
    """What was built from what."""

    file: str
    size: int
    sha256: str
    commit: str

    def __str__(self) -> str:
        return f"{self.file}, {self.size} bytes"


@state(retries=Retries(2, delay=0.2), timeout=60)
def source(repo_root: Path, pin: Params[Pin]) -> Source:
    """The component is checked out at the pinned commit."""
    folder = repo_root / SOURCE
    folder.mkdir(parents=True, exist_ok=True)
    git(repo_root, "init", "--quiet")
    git(repo_root, "fetch", "--quiet", "--depth=1", pin.url, pin.commit)
    git(repo_root, "reset", "--quiet", "--hard", pin.commit)
    git(repo_root, "clean", "--quiet", "-ffdx")
    print(git(repo_root, "log", "-1", "--format=%h %s").strip())
    return Source(folder=folder, commit=pin.commit)


@source.satisfied
def _(repo_root: Path, pin: Params[Pin]) -> bool:
    if not (repo_root / SOURCE / ".git").is_dir():
        return False
    head = git(repo_root, "rev-parse", "--verify", "--quiet", "HEAD", check=False).strip()
    return head == pin.commit and not git(repo_root, "status", "--porcelain", "--ignored")


@state(outputs=[f"{WHEELS}/*.whl"], timeout=300)
def wheel(repo_root: Path, source: Source) -> Path:
    """The component is built, by the builder that this repository's lock pins."""
    made = repo_root / f"{WHEELS}.tmp"
    shutil.rmtree(made, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(made)]
    subprocess.run([*command, str(source.folder)], check=True)
    shutil.rmtree(repo_root / WHEELS, ignore_errors=True)
    made.rename(repo_root / WHEELS)
    found = list((repo_root / WHEELS).glob("*.whl"))
    if len(found) != 1:
        raise GroundupError(f"the build made {len(found)} wheels", hint=f"look into {repo_root / WHEELS}")
    return found[0]


@state(outputs=[RELEASE])
def release(repo_root: Path, source: Source, wheel: Path) -> Release:
    """The wheel is recorded with its checksum and the commit that it was built from."""
    content = wheel.read_bytes()
    made = Release(
        file=wheel.name,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        commit=source.commit,
    )
    half = repo_root / f"{RELEASE}.tmp"
    half.write_text(json.dumps(made.model_dump(), indent=2) + "\n", encoding="utf-8")
    half.replace(repo_root / RELEASE)
    return made


def git(root: Path, *arguments: str, check: bool = True) -> str:
    """Run git on the checkout, from `root`, and return what it says; it asks nobody for a password."""
    done = subprocess.run(
        ["git", f"--git-dir={SOURCE}/.git", f"--work-tree={SOURCE}", *arguments],
        cwd=root,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        stdout=subprocess.PIPE,
        text=True,
        check=check,
    )
    return done.stdout
