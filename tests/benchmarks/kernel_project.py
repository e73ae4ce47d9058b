"""A repository to measure the kernel in: locked by uv.lock, its environment ready, its caches warm."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.interpreter import Interpreter
from tests.benchmarks.measuring import BenchmarkError, Command
from tests.support.index import IndexServer
from tests.support.process import PASSED_ON, clean_env, run, run_kernel
from tests.support.repositories import bare_repository, entry_script, repository, write
from tests.support.trees import wait_until_settled
from tests.support.uv import real_uv
from tests.support.wheels import build_wheel

HELLO = '\n\ndef main() -> None:\n    print("hello")\n'
REFERENCE = "import os\nos.execv({argv[0]!r}, {argv!r})\n"


@dataclass(frozen=True)
class KernelProject:
    """The repository at `repo`, its user's variables, the interpreter that starts it, and its uv."""

    repo: Path
    env: dict[str, str]
    python: Interpreter
    uv: Path

    def start(self, *arguments: str, **env: str) -> Command:
        """Return the command that starts the interpreter with `arguments`."""
        return Command((str(self.python.path), *arguments), {**self.env, **env})

    def kernel(self, *arguments: str) -> Command:
        """Return the command that starts the kernel with `arguments`."""
        return self.start(str(self.repo / "proto_kernel.py"), *arguments)

    def reference(self, name: str, *arguments: str, **env: str) -> Command:
        """Return the least that can enter the environment: two lines that become its python."""
        argv = [str(self.repo / ".venv/bin/python"), *arguments]
        script = write(self.repo.parent, f"{name}.py", REFERENCE.format(argv=argv))
        return self.start(str(script), **env)

    def forget_byte_code(self) -> None:
        """Remove the byte code of the kernel as an imported module."""
        shutil.rmtree(self.repo / "__pycache__", ignore_errors=True)

    def forget_environment(self) -> None:
        """Leave what a clone has: no environment, nothing remembered."""
        for name in (".venv", ".groundup"):
            shutil.rmtree(self.repo / name, ignore_errors=True)
        (self.repo / ".venv.lock").unlink(missing_ok=True)


@contextmanager
def kernel_project(folder: Path, python: Interpreter) -> Iterator[KernelProject]:
    """Make the repository in `folder`; its index serves as long as the `with` block lasts.

    :raises BenchmarkError: when the kernel does not enter the finished environment the short way.
    """
    bare = bare_repository(folder / "bare")
    run_kernel(bare, "boot", python=python.path, env=clean_env(folder / "home"), check=True)
    for name, needs in (("alpha", []), ("beta", ["alpha"]), ("gamma", ["beta"])):
        build_wheel(folder / "wheels", name, requires=needs)
    with IndexServer(folder / "wheels") as index:
        env = user(folder / "home", index.url)
        repo = repository(folder / "repo", python=">=3.8", dependencies=["gamma"], source=HELLO)
        project = KernelProject(repo, env, python, real_uv())
        make_ready(project)
        yield project


def user(home: Path, index: str) -> dict[str, str]:
    """Return the variables of a user who configured nothing but an index: a machine's own may cost time."""
    foreign = [*PASSED_ON, *(name.lower() for name in PASSED_ON), "PYENV_ROOT"]
    return clean_env(home, **{**dict.fromkeys(foreign), "UV_DEFAULT_INDEX": index})


def make_ready(project: KernelProject) -> None:
    """Lock, build, and wait until the stamp can be relied on."""
    repo, python = project.repo, project.python.path
    write(repo, ".python-version", f"{python}\n")
    entry_script(repo, "hello", 'start_app("demo:main")')
    run([str(project.uv), "lock"], env=project.env, cwd=repo, check=True)
    run_kernel(repo, "boot", python=python, env=project.env, check=True)
    wait_until_settled(repo)
    run_kernel(repo, "run", "true", python=python, env=project.env, check=True)
    check_warm(project)


def check_warm(project: KernelProject) -> None:
    argv = project.start("-X", "importtime", str(project.repo / "proto_kernel.py"), "run", "true").argv
    done = run([*argv], env=project.env, cwd=project.repo, check=True)
    if "subprocess" in done.stderr:
        raise BenchmarkError(
            "the kernel does not find the environment ready that it has just built",
            hint="look at what `proto_kernel.py check` says; the tests of the warm path fail as well",
        )
