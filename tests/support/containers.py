"""Real engines: Docker, and Podman where its socket is; what they hold of a process."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from groundup.errors import GroundupError
from groundup.execution.container import IsolatedExecutionRuntime
from groundup.execution.container.engine import Engine
from tests.support.background import until
from tests.support.requirements import require
from tests.support.session import session_folder
from tests.support.users import User

TAG = "3.12-slim"
DOCKER = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
# Where Podman's socket is that the tests use, besides the usual place.
PODMAN = os.environ.get("GROUNDUP_TEST_PODMAN", "unix:///run/podman/podman.sock")
URLS = {"docker": DOCKER, "podman": PODMAN}


def connected(name: str) -> Engine:
    """Return a connection to Docker or Podman; without it the test is skipped, or fails in CI."""
    try:
        return Engine(URLS[name])
    except GroundupError as error:
        require(False, f"an engine, {name}: {error}")
        raise


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    """A connection to Docker."""
    with closing(connected("docker")) as engine:
        yield engine


@pytest.fixture(params=["docker", "podman"], scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A connection to each engine."""
    with closing(connected(request.param)) as engine:
        yield engine


@pytest.fixture
def runtime(user: User, engine: Engine) -> Iterator[IsolatedExecutionRuntime]:
    """A runtime of each engine, with an image that has Python; nothing of it is left afterwards."""
    with runtime_of(user, engine) as runtime:
        yield runtime
    assert owned(engine) == []


def runtime_of(caller: User, engine: Engine, /, **settings: Any) -> IsolatedExecutionRuntime:
    """Return a runtime for a user, who is told what other tests found out about the image."""
    share_facts(caller)
    return IsolatedExecutionRuntime(TAG, **{"engine": engine.url, "pull": "never", **settings})


def share_facts(user: User) -> None:
    """Let a user's cache know images as those of the session do."""
    known = session_folder() / "images"
    known.mkdir(exist_ok=True)
    own = user.data / "cache/containers/images"
    if not own.is_symlink():
        own.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(own, ignore_errors=True)
        own.symlink_to(known)


def owned(engine: Engine, pid: int | None = None) -> list[str]:
    """Return the names of the containers of a process, by default of this one."""
    label = f"groundup.pid={pid or os.getpid()}"
    found = engine.api.containers(all=True, filters={"label": label})
    return [each["Names"][0].lstrip("/") for each in found]


def gone_within(engine: Engine, pid: int, seconds: float) -> float:
    """Wait until a process has no container; return how long it took."""
    started = time.monotonic()
    until(lambda: not owned(engine, pid), f"the end of the containers of {pid}", seconds)
    return time.monotonic() - started


def seen(result: Any) -> Any:
    """Return the JSON that a run printed."""
    return json.loads(result.stdout)


def write_all(folder: Path, files: dict[str, str]) -> Path:
    """Write files into a folder; return it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
