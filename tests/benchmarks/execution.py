"""What runs cost beyond interpreter, bubblewrap and engine themselves, and projects beyond uv's own work."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from groundup import ExecutionRuntime, SandboxExecutionRuntime, create_project, get_project, remove_project
from groundup.execution.sandbox.bubblewrap import find_bubblewrap
from groundup.projects.uv import find_uv
from tests.benchmarks.execution_containers import Docker, contained, find_docker
from tests.benchmarks.figures import Figure, beyond, ratio, times
from tests.benchmarks.measuring import BenchmarkError, Command, Cost, measure, taken_in_turns, walled
from tests.benchmarks.report import Report
from tests.benchmarks.settings import Settings
from tests.support.index import IndexServer
from tests.support.process import clean_env, run
from tests.support.wheels import build_wheel

DEPENDENCIES = ("first", "second", "third")
GIGABYTE = 2**30
LONG = 5  # rounds of what takes seconds
BUBBLEWRAP = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"),
    *("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run", "--"),
)
BLOCK = f"# /// script\n# requires-python = '>=3.11'\n# dependencies = {list(DEPENDENCIES)}\n# ///\n"
HELLO = f"{BLOCK}import sys, first, second, third\nprint(sys.prefix)\n"
FLOOD = f"import os\nblock = b'x' * 2**16\nfor _ in range({GIGABYTE} // 2**16): os.write(1, block)\n"


@dataclass(frozen=True)
class Scripts:
    """What is run: files of scripts, the variables of their user, and uv."""

    folder: Path
    env: Mapping[str, str]
    uv: str

    @property
    def hello(self) -> Path:
        return self.folder / "hello.py"

    @property
    def flood(self) -> Path:
        return self.folder / "flood.py"


def benchmark(settings: Settings, folder: Path) -> Report:
    """Measure the runtimes and the making of projects; everything is made in `folder`.

    Without Docker, its command and an image `python:3…`, containers are left out.

    :raises BenchmarkError: when something to be measured does not work.
    """
    settings.say("preparing scripts and their environments")
    docker = find_docker()
    with scripts(folder) as made:
        figures = tuple(figures_of(made, docker, settings))
        uv = run([made.uv, "--version"], env=dict(made.env), cwd=folder, check=True).stdout.split()[1]
    python = ".".join(map(str, sys.version_info[:3]))
    environment, engine = ExecutionRuntime().environment, docker.name if docker else "none"
    conditions = {"on": f"CPython {python}", "environment": environment, "uv": uv, "engine": engine}
    return Report("execution", conditions, settings.rounds, figures)


@contextmanager
def scripts(folder: Path) -> Iterator[Scripts]:
    """Make the scripts and their environments, in the variables of a user of their own."""
    wheels = folder / "wheels"
    wheels.mkdir()
    for name in DEPENDENCIES:
        build_wheel(wheels, name)
    before = dict(os.environ)
    with IndexServer(wheels) as server:
        try:
            become(clean_env(folder / "home"))
            uv = find_uv()
            become(
                os.environ
                | {
                    "UV_DEFAULT_INDEX": server.url,
                    "GROUNDUP_HOME": str(folder / "groundup"),
                    "PATH": f"{uv.parent}:{os.environ['PATH']}",
                }
            )
            made = Scripts(folder, dict(os.environ), str(uv))
            made.hello.write_text(HELLO, encoding="utf-8")
            made.flood.write_text(FLOOD, encoding="utf-8")
            create_project(made.hello, id="hello")
            yield made
        finally:
            become(before)


def become(env: Mapping[str, str]) -> None:
    """Make `env` the variables of this process."""
    given = dict(env)
    os.environ.clear()
    os.environ.update(given)


def figures_of(made: Scripts, docker: Docker | None, settings: Settings) -> Iterator[Figure]:
    parts: dict[str, tuple[Callable[[Scripts, int], list[Figure]], int]] = {
        "run_script": (run_script, settings.rounds),
        "run_project": (run_project, settings.rounds),
        "sandbox": (sandboxed, settings.rounds),
        "create_project": (making, settings.rounds),
        "streaming 1 GB": (streaming, min(settings.rounds, LONG)),
    }
    if docker is not None:
        parts["containers"] = partial(in_containers, docker), min(settings.rounds, 2 * LONG)
    for name, (part, rounds) in parts.items():
        settings.say(f"{name}, {rounds} rounds")
        yield from part(made, rounds)


def run_script(made: Scripts, rounds: int) -> list[Figure]:
    """Measure a script with three dependencies whose environment exists."""
    runtime = ExecutionRuntime()
    python = python_of(runtime, made.hello)
    costs = taken_in_turns(
        {
            "run_script": partial(walled, lambda: runtime.run_script(made.hello)),
            "interpreter": partial(measure, direct(python, made.hello, made.env)),
            "uv run": partial(measure, Command((made.uv, "run", "--script", str(made.hello)), made.env)),
        },
        rounds,
    )
    return [
        beyond("run_script warm - the interpreter alone", 15, costs, "run_script", "interpreter"),
        times("run_script warm / uv run --script", 1, costs, "run_script", "uv run"),
    ]


def python_of(runtime: ExecutionRuntime, script: Path) -> Path:
    """Return the interpreter that runs a script, which says where it is."""
    return Path(runtime.run_script(script).stdout.strip(), "bin/python")


def run_project(made: Scripts, rounds: int) -> list[Figure]:
    """Measure a project, against the same interpreter called directly."""
    runtime, project = ExecutionRuntime(), get_project("hello")
    costs = taken_in_turns(
        {
            "run_project": partial(walled, lambda: runtime.run_project("hello")),
            "interpreter": partial(measure, direct(project.python, project.script, made.env)),
        },
        rounds,
    )
    return [beyond("run_project warm - the interpreter alone", 8, costs, "run_project", "interpreter")]


def sandboxed(made: Scripts, rounds: int) -> list[Figure]:
    """Measure a script in a sandbox, against bubblewrap with the same namespaces and all files shown."""
    runtime = SandboxExecutionRuntime()
    python = python_of(runtime, made.hello)
    bare = (find_bubblewrap(), *BUBBLEWRAP, *direct(python, made.hello, made.env).argv)
    costs = taken_in_turns(
        {
            "run_script": partial(walled, lambda: runtime.run_script(made.hello)),
            "bwrap": partial(measure, Command(bare, made.env)),
        },
        rounds,
    )
    return [beyond("sandbox, run_script warm - bwrap alone", 15, costs, "run_script", "bwrap")]


def in_containers(docker: Docker, made: Scripts, rounds: int) -> list[Figure]:
    """Measure a script in containers, against the engine's own command with the same image and files."""
    return contained(docker, made.hello, made.env, rounds)


def making(made: Scripts, rounds: int) -> list[Figure]:
    """Measure the making of a project whose dependencies uv has cached, against uv's own commands."""
    costs = taken_in_turns(
        {
            "create_project": partial(by_groundup, made),
            "uv": partial(by_uv, made, made.folder / "by-uv"),
        },
        rounds,
    )
    name = "create_project / uv init + uv add"
    return [ratio(name, 1.3, costs, over="create_project", under="uv")]


def by_groundup(made: Scripts) -> Cost:
    """Make a project that there is not; processor time is that of this thread and of what it waited for."""
    before = processor_time()
    cost = walled(partial(create_project, made.hello, id="made"))
    cpu = processor_time() - before
    remove_project("made")
    return Cost(cost.wall, cpu)


def processor_time() -> float:
    waited_for = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.thread_time() + waited_for.ru_utime + waited_for.ru_stime


def by_uv(made: Scripts, target: Path) -> Cost:
    """Make a project of the same dependencies by uv alone."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    python = ("--python", sys.executable)
    steps = (
        ("init", "--quiet", "--bare", "--no-workspace", "--vcs", "none", *python),
        ("add", "--quiet", *python, *DEPENDENCIES),
    )
    costs = [measure(Command((made.uv, "--directory", str(target), *words), made.env)) for words in steps]
    return Cost(sum(cost.wall for cost in costs), sum(cost.cpu for cost in costs))


def streaming(made: Scripts, rounds: int) -> list[Figure]:
    """Measure how fast a gigabyte arrives, against a pipe that is read with nothing else done."""
    ExecutionRuntime().run_script(made.flood, capture_output=False)
    costs = taken_in_turns(
        {
            "iterator": partial(walled, lambda: asyncio.run(followed(made.flood))),
            "callback": partial(walled, partial(heard, made.flood)),
            "pipe": partial(walled, partial(piped, made.flood)),
        },
        rounds,
        warm_ups=0,
    )
    return [
        times(f"plain pipe / 1 GB by {how}", 0.5, costs, "pipe", how, at_least=True)
        for how in ("iterator", "callback")
    ]


async def followed(script: Path) -> None:
    """Take all that a script writes from the iterator."""
    size = 0
    async with ExecutionRuntime().stream_script(script, capture_output=False) as output:
        async for chunk in output:
            size += len(chunk.text)
    check_size(size)


def heard(script: Path) -> None:
    """Take all that a script writes by a callback."""
    sizes: list[int] = []
    ExecutionRuntime().run_script(
        script, capture_output=False, on_stdout=lambda text: sizes.append(len(text))
    )
    check_size(sum(sizes))


def piped(script: Path) -> None:
    """Take all that a script writes from a pipe."""
    size = 0
    argv = [sys.executable, "-I", str(script)]
    # In a session of its own, as every run: on a busy Linux that alone is slower.
    with subprocess.Popen(argv, stdout=subprocess.PIPE, bufsize=0, start_new_session=True) as process:
        assert process.stdout is not None
        while data := os.read(process.stdout.fileno(), 2**16):
            size += len(data)
    check_size(size)


def check_size(size: int) -> None:
    if size != GIGABYTE:
        raise BenchmarkError(f"{size} bytes of {GIGABYTE} arrived", hint="correct that first")


def direct(python: Path, script: Path, env: Mapping[str, str]) -> Command:
    """Return the command that runs a script by an interpreter as the runtime does."""
    return Command((str(python), "-I", "-X", "utf8", str(script)), env)
