"""Run as ``child.py TOOL FOLDER OTHER JOBS``: a run of a tool over what `FOLDER` declares, in a new process.

Before it, `OTHER` is run, so that whatever the tool imports on its way is there. The last line of stdout is
JSON: what declaring and running took, how many were run and how many skipped.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

sys.path.append(str(Path(__file__).resolve().parents[3]))

from tests.benchmarks.dag.loading import load_module, load_states
from tests.benchmarks.measuring import Cost, clock, timed

Done: TypeAlias = tuple[Cost, Cost, Counter[str]]


def by_groundup(folder: Path, jobs: int | None) -> Done:
    """Load ``states.py`` and reach its states, their fingerprints kept in ``store``."""
    from groundup.dag import Runner, StateGraph
    from groundup.dag.uptodate import Tracker

    with timed() as declaring:
        states = load_states(folder / "states.py")
    with timed() as running:
        graph = StateGraph(states)
        with (
            Tracker(folder, folder / "store") as tracker,
            Runner(graph, jobs=jobs, tracker=tracker) as runner,
        ):
            report = runner.reach(*graph.ends)
    return declaring(), running(), Counter(outcome.status.value for outcome in report.outcomes)


def by_doit(folder: Path, _jobs: int | None) -> Done:
    """Load the tasks of ``dodo.py`` and run them by doit with its own defaults, but silently."""
    from doit.cmd_base import ModuleTaskLoader
    from doit.doit_cmd import DoitMain
    from doit.reporter import ZeroReporter

    found: Counter[str] = Counter()
    declared: list[Cost] = []

    class Counting(ZeroReporter):  # type: ignore[misc]
        def add_success(self, _task: Any) -> None:
            found["changed"] += 1

        def skip_uptodate(self, _task: Any) -> None:
            found["skipped"] += 1

    class Timing(ModuleTaskLoader):  # type: ignore[misc]
        def load_tasks(self, cmd: Any, pos_args: Any) -> Any:
            began = clock()
            tasks = super().load_tasks(cmd, pos_args)
            declared.append(clock() - began)
            return tasks

    settings = {"verbosity": 0, "reporter": Counting, "dep_file": str(folder / "store")}
    loader = Timing({**vars(load_module(folder / "dodo.py")), "DOIT_CONFIG": settings})
    with timed() as whole:
        DoitMain(loader, config_filenames=()).run(["run"])
    return declared[0], whole() - declared[0], found


def by_pytask(folder: Path, _jobs: int | None) -> Done:
    """Collect and run the tasks of ``task_*.py`` by pytask; it declares them while it runs."""
    import pytask

    with timed() as running:
        session = pytask.build(paths=folder, root=folder, verbose=0)
    words = {pytask.TaskOutcome.SKIP_UNCHANGED: "skipped", pytask.TaskOutcome.SUCCESS: "changed"}
    found = Counter(words.get(each.outcome, "failed") for each in session.execution_reports)
    return Cost(0, 0), running(), found


TOOLS = {"groundup": by_groundup, "doit": by_doit, "pytask": by_pytask}


def main(tool: str, folder: str, other: str, jobs: str) -> None:
    for each in (other, folder):
        os.chdir(each)
        declaring, running, found = TOOLS[tool](Path(each), int(jobs) or None)
    print(json.dumps({"declaring": asdict(declaring), "running": asdict(running), "found": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
