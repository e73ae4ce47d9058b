"""A warm boot that reaches states which are all up to date: nothing runs, and little is imported."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.benchmarks.dag.boot import COUNT, warm_repository
from tests.support.process import run_kernel

NOTE_IMPORTS = """
import atexit, sys

atexit.register(lambda: (ROOT / "modules").write_text("\\n".join(sys.modules)))
"""


# Each takes as long as several states; each dataclass that is made takes a millisecond more.
NEEDLESS = {"networkx", "rich", "typer", "click", "pydantic", "dataclasses", "inspect", "random", "asyncio"}


def test_a_warm_boot_imports_nothing_that_it_can_do_without(tmp_path: Path) -> None:
    repo, env = warm_repository(tmp_path, Path(sys._base_executable), NOTE_IMPORTS)  # type: ignore[attr-defined]
    made = sorted((repo / "made").iterdir())
    before = [file.stat().st_mtime_ns for file in made]
    (repo / "modules").unlink()

    run_kernel(repo, env=env, check=True)

    modules = set((repo / "modules").read_text().splitlines())
    assert {"groundup.dag.runner", "groundup.dag.uptodate.tracker", "sqlite3"} <= modules
    assert not modules & NEEDLESS
    assert [file.stat().st_mtime_ns for file in made] == before
    assert len(made) == COUNT
