"""What the kernel costs beyond what cannot be spared: two interpreter starts, and uv's own work."""

from __future__ import annotations

import contextlib
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.figures import Figure, difference, ratio
from tests.benchmarks.interpreter import without_hooks
from tests.benchmarks.kernel_project import KernelProject, kernel_project
from tests.benchmarks.measuring import Command, in_turns, peak_memory
from tests.benchmarks.report import Report
from tests.benchmarks.settings import Settings
from tests.support.process import run


def benchmark(settings: Settings, folder: Path) -> Report:
    """Measure the kernel; everything is made in `folder`.

    :raises BenchmarkError: when something to be measured does not work.
    """
    settings.say("preparing a project")
    python = without_hooks(settings.python, folder)
    with kernel_project(folder, python) as project, contextlib.chdir(project.repo):
        figures = tuple(figures_of(project, settings))
        uv = run([str(project.uv), "--version"], env=project.env, cwd=folder, check=True).stdout.split()[1]
    return Report("kernel", {"on": f"{python.version} ({python.origin})", "uv": uv}, settings.rounds, figures)


def figures_of(project: KernelProject, settings: Settings) -> Iterator[Figure]:
    parts: dict[str, Callable[[KernelProject, int], list[Figure]]] = {
        "warm run": warm_run,
        "start_app": start_app,
        "peak memory": memory,
        "cold boot": cold_boot,
    }
    for name, part in parts.items():
        settings.say(f"{name}, {settings.rounds} rounds")
        yield from part(project, settings.rounds)


def warm_run(project: KernelProject, rounds: int) -> list[Figure]:
    """Measure entering a ready environment, against the least that can do it and against `uv run`."""
    command = ("python", "-c", "pass")
    costs = in_turns(
        {
            "kernel": project.kernel("run", "--", *command),
            "reference": project.reference("pass", "-c", "pass"),
            "uv run": Command((str(project.uv), "run", *command), project.env),
        },
        rounds,
    )
    return [
        ratio("warm run / two interpreter starts", 1.45, costs, over="kernel", under="reference"),
        ratio("warm run / uv run", 1.15, costs, over="kernel", under="uv run"),
    ]


def start_app(project: KernelProject, rounds: int) -> list[Figure]:
    """Measure an entry script that says hello, against two lines that become a python that does."""
    script, hello = str(project.repo / "entry_scripts/hello"), ("-I", "-c", "print('hello')")
    figures = []
    for how, target, env in (
        ("without", 1.55, {"PYTHONDONTWRITEBYTECODE": "1"}),
        ("with", 1.3, {}),
    ):
        project.forget_byte_code()
        commands = {
            "app": project.start(script, **env),
            "reference": project.reference("hello", *hello, **env),
        }
        costs = in_turns(commands, rounds)
        figures.append(
            ratio(f"start_app {how} .pyc / two starts", target, costs, over="app", under="reference")
        )
    return figures[::-1]


def memory(project: KernelProject, rounds: int) -> list[Figure]:
    """Measure the kernel's peak: what it becomes, `true`, needs far less than any python. Linux only."""
    if sys.platform != "linux":
        return []
    true = str(shutil.which("true", path=project.env["PATH"]))
    commands = {
        "kernel": project.kernel("run", "--", true),
        "bare": project.start("-c", "pass"),
    }
    peaks: dict[str, list[int]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            peaks[name].append(peak_memory(command))
    samples = tuple(kernel / bare for kernel, bare in zip(peaks["kernel"], peaks["bare"], strict=True))
    medians = {f"{name}, KiB": statistics.median(values) for name, values in peaks.items()}
    return [Figure("peak memory before exec / bare python", "x", 1.3, samples, None, medians)]


def cold_boot(project: KernelProject, rounds: int) -> list[Figure]:
    """Measure a boot of a clone where uv has everything cached, against `uv sync` of the same."""
    sync = Command((str(project.uv), "sync", "--locked"), project.env)
    costs = in_turns(
        {
            "boot": replace(project.kernel("boot"), prepare=project.forget_environment),
            "sync": replace(sync, prepare=project.forget_environment),
            "bare start": project.start("-c", "pass"),
        },
        rounds,
    )
    return [difference("cold boot - uv sync", 7, costs, over="boot", under="sync", unit="bare start")]
