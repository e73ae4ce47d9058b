"""What runs in containers cost, beside the engine's own commands for the same image."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from groundup.errors import GroundupError
from groundup.execution.container import IsolatedExecutionRuntime
from groundup.execution.container.engine import Engine, find_engine
from groundup.execution.container.packages import ENVIRONMENT, package_store
from groundup.execution.sandbox.user import DEFAULT_UID
from tests.benchmarks.figures import Figure, times
from tests.benchmarks.measuring import Command, Cost, measure, taken_in_turns, walled

SCRIPT = "/script.py"  # of the reference, in its container


class Docker:
    """The engine and its own command, and an image of it that has a Python."""

    def __init__(self) -> None:
        """Find them.

        :raises GroundupError: there is no engine.
        """
        self.program = shutil.which("docker")
        engine = Engine(find_engine())
        try:
            tags = [tag for image in engine.api.images() for tag in image["RepoTags"] or ()]
            self.name = f"{engine.name} {engine.api.version()['Version']}"
        finally:
            engine.close()
        self.image = next((tag for tag in sorted(tags, reverse=True) if tag.startswith("python:3")), None)

    @property
    def is_complete(self) -> bool:
        return bool(self.program and self.image)

    def command(self, *words: str, env: Mapping[str, str]) -> Command:
        return Command((str(self.program), *words), env)


def find_docker() -> Docker | None:
    """Return the engine with its command and an image, None where one of them is missing."""
    try:
        docker = Docker()
    except GroundupError:
        return None
    return docker if docker.is_complete else None


def contained(docker: Docker, script: Path, env: Mapping[str, str], rounds: int) -> list[Figure]:
    """Measure a script in a container of its own, and in one that is kept ready."""
    with (
        IsolatedExecutionRuntime(image=docker.image, pull="never") as cold,
        IsolatedExecutionRuntime(image=docker.image, pull="never", warm=1) as warm,
    ):
        cold.run_script(script)
        (key,) = package_store().names()
        options = options_of(package_store().root / key / "environment", script)
        words = (f"{ENVIRONMENT}/bin/python", "-I", "-X", "utf8", SCRIPT)
        image = str(docker.image)
        with running(docker, (*options, image, "sleep", "infinity"), env) as name:
            costs = taken_in_turns(
                {
                    "run_script": partial(walled, lambda: cold.run_script(script)),
                    "docker run": partial(
                        measure, docker.command("run", "--rm", *options, image, *words, env=env)
                    ),
                    "warm": partial(by_pool, warm, script),
                    "docker exec": partial(measure, docker.command("exec", name, *words, env=env)),
                },
                rounds,
            )
    return [
        times("container, run_script / docker run", 1.15, costs, "run_script", "docker run"),
        times("warm pool, run_script / docker exec", 1.2, costs, "warm", "docker exec"),
    ]


def options_of(environment: Path, script: Path) -> tuple[str, ...]:
    """Return options that show the same, and give no network either."""
    return (
        *("--network", "none", "--log-driver", "none", "--user", f"{DEFAULT_UID}:{DEFAULT_UID}"),
        *("--volume", f"{environment}:{ENVIRONMENT}:ro", "--volume", f"{script}:{SCRIPT}:ro"),
    )


@contextmanager
def running(docker: Docker, words: tuple[str, ...], env: Mapping[str, str]) -> Iterator[str]:
    """Give the name of a container that goes on."""
    name = f"groundup-bench-{secrets.token_hex(8)}"
    measure(docker.command("run", "--detach", "--rm", "--name", name, *words, env=env))
    try:
        yield name
    finally:
        subprocess.run([str(docker.program), "rm", "--force", name], check=True, capture_output=True)


def by_pool(runtime: IsolatedExecutionRuntime, script: Path) -> Cost:
    """Run a script where a container is ready, and wait until another one is: others are not to bear that."""
    cost = walled(lambda: runtime.run_script(script))
    for thread in threading.enumerate():
        if thread.name == "groundup-containers":
            thread.join()
    return cost
