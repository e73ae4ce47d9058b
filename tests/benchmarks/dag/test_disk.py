"""Runs in processes of their own: what they did is checked, so that nothing else is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.dag.disk import Work
from tests.benchmarks.dag.sources import WIDE, Shape, write_work
from tests.benchmarks.measuring import BenchmarkError

SHAPE = Shape(WIDE, 5)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    other = write_work(tmp_path / "other", Shape(WIDE, 2))
    return Work(write_work(tmp_path / "work", SHAPE), other, SHAPE, tmp_path / "home")


@pytest.mark.parametrize("tool", ["groundup", "doit", "pytask"])
def test_a_first_run_does_everything_and_the_next_one_nothing(work: Work, tool: str) -> None:
    for _ in range(2):
        assert work.cold(tool, 0).running.wall > 0
        assert work.warm(tool, 0).running.wall > 0


@pytest.mark.parametrize(
    ("tool", "expected"), [("groundup", "ok"), ("doit", "changed"), ("pytask", "changed")]
)
def test_without_files_everything_is_done_in_each_run(tmp_path: Path, tool: str, expected: str) -> None:
    other = write_work(tmp_path / "other", Shape(WIDE, 2), tracked=False)
    work = Work(write_work(tmp_path / "work", SHAPE, tracked=False), other, SHAPE, tmp_path / "home")
    for _ in range(2):
        assert work.all_of(tool, expected).running.wall > 0


@pytest.mark.parametrize("tool", ["groundup", "doit", "pytask"])
def test_a_run_that_did_something_else_is_an_error(work: Work, tool: str) -> None:
    with pytest.raises(BenchmarkError, match=rf"{tool} did not do 5 wide \(skipped\): {{'changed': 5}}"):
        work.warm(tool, 0)


def test_a_run_that_fails_is_an_error_with_what_it_said(work: Work) -> None:
    (work.folder / "states.py").write_text("nothing here\n")
    with pytest.raises(BenchmarkError, match="SyntaxError"):
        work.cold("groundup", 0)
