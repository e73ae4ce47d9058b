"""Run as ``proto_kernel.py bench SUITE``: measure one part of the product against its targets."""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

from groundup.errors import GroundupError, UserError
from tests.benchmarks.report import Report, as_json, as_table
from tests.benchmarks.settings import Settings
from tests.support.session import open_session

SUITES = {
    "dag": "what a state costs that does nothing, and a warm boot whose states are all up to date",
    "execution": "what runs on the host, in sandboxes and containers cost, and making a project beyond uv",
    "kernel": "what the kernel costs beyond two interpreter starts and uv's own work",
    "nodes": "how many node states a manager and a worker carry, and how soon, against loops and other tools",
}


def main(arguments: list[str]) -> int:
    """Measure and print; return the exit code: 1 with ``--check`` and a target missed, 2 for bad usage."""
    options = parser().parse_args(arguments)
    if options.suite is None:
        print("\n".join(f"{name:<10}{what}" for name, what in SUITES.items()))
        return 0
    try:
        report = measured(options.suite, settings_of(options))
    except GroundupError as error:
        print(f"error: {error}\nhint: {error.hint}", file=sys.stderr)
        return error.exit_code
    print(as_json(report) if options.json else as_table(report))
    return 0 if report.ok or not options.check else 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="bench", description="Without a suite, list what there is.")
    made.add_argument("suite", nargs="?", choices=SUITES, help="what to measure")
    made.add_argument("--json", action="store_true", help="print JSON instead of a table")
    made.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    made.add_argument("--rounds", type=int, default=25, help="runs of each command (25)")
    made.add_argument("--python", type=Path, help="the interpreter to measure on; dag: to boot with")
    made.add_argument("--states", type=int, default=10_000, help="dag, nodes: most states together (10000)")
    return made


def settings_of(options: argparse.Namespace) -> Settings:
    if options.rounds < 1:
        raise UserError(
            f"--rounds {options.rounds}: at least one round is needed", hint="leave it out for 25"
        )
    if options.states < 2:
        raise UserError(f"--states {options.states}: at least two are needed", hint="leave it out for 10000")
    python = options.python
    if python is not None and not python.is_file():
        raise UserError(f"--python {python}: there is no such interpreter", hint="name its executable")
    return Settings(options.rounds, python and python.absolute(), options.states)


def measured(suite: str, settings: Settings) -> Report:
    session, folder = open_session(), Path(tempfile.mkdtemp(prefix="groundup-bench-"))
    try:
        benchmark = importlib.import_module(f"tests.benchmarks.{suite}").benchmark
        report: Report = benchmark(settings, folder)
        return report
    finally:
        for made in (folder, session):
            if made is not None:
                shutil.rmtree(made, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
