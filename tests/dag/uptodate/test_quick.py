"""Evidence beside a record: found again only where the fingerprint would be the same."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.dag import state
from groundup.dag.state import AnyState
from groundup.dag.uptodate import Result, files
from tests.dag.uptodate.desk import Desk

ONE, TWO = Result("1" * 32, "1"), Result("2" * 32, "2")


@pytest.fixture(autouse=True)
def files_settle_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file that these tests write has another size, so that its stamp always tells."""
    monkeypatch.setattr(files, "RACY_NS", 0)


def one(p: int) -> int:
    return p


def other(p: int) -> int:
    return p + 1


def declared(function: Callable[..., Any], *inputs: str, outputs: tuple[str, ...] = ()) -> AnyState:
    return state(name="it", inputs=inputs, outputs=outputs)(function)


def settled(path: Path) -> None:
    while time.time_ns() <= path.stat().st_ctime_ns:
        time.sleep(0.001)


class Case:
    """A state `it` with a file that it reads and one that it made, both recorded."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.size = 0
        self.function: Callable[..., Any] = one
        self.parents = {"p": ONE}
        self.edit("in")
        self.edit("out")
        self.judged()

    @property
    def it(self) -> AnyState:
        return declared(self.function, "in", outputs=("out",))

    def edit(self, name: str) -> None:
        self.size += 1
        self.desk.write(name, "x" * self.size)
        settled(self.desk.root / name)

    def make_executable(self, name: str) -> None:
        if (self.desk.root / name).exists():
            (self.desk.root / name).chmod(0o700)

    def judged(self) -> None:
        """Let the next process judge it, and evaluate it where that is due."""
        self.desk.again()
        verdict = self.desk.judge(self.it, self.parents)
        if verdict.up_to_date:
            self.desk.tracker.skip(self.it, verdict)
        else:
            self.desk.evaluate(self.it, 1, self.parents)

    def is_kept(self) -> bool:
        self.desk.again()
        return self.desk.tracker.kept(self.it, self.parents) is not None


CHANGES: dict[str, Callable[[Case], None]] = {
    "an input": lambda case: case.edit("in"),
    "an output": lambda case: case.edit("out"),
    "its input gone": lambda case: (case.desk.root / "in").unlink(missing_ok=True),
    "its output gone": lambda case: (case.desk.root / "out").unlink(missing_ok=True),
    "its code": lambda case: setattr(case, "function", other if case.function is one else one),
    "its parent": lambda case: setattr(case, "parents", {"p": TWO if case.parents["p"] == ONE else ONE}),
    "rights": lambda case: case.make_executable("in"),
}


def test_it_is_found_again_by_the_next_process(desk: Desk) -> None:
    case = Case(desk)
    case.judged()
    assert case.is_kept()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_it_is_not_found_after_a_change(desk: Desk, change: Callable[[Case], None]) -> None:
    case = Case(desk)
    case.judged()
    change(case)
    assert not case.is_kept()


@given(st.lists(st.sampled_from([*CHANGES, "judged"]), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_where_it_is_found_the_fingerprint_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    case = Case(Desk(tmp_path_factory.mktemp("desk")))
    for step in steps:
        if step == "judged":
            if not (case.desk.root / "out").exists():
                case.edit("out")
            case.judged()
        else:
            CHANGES[step](case)
        if case.is_kept():
            assert case.desk.judge(case.it, case.parents).up_to_date


def test_a_change_that_comes_to_the_same_is_found_again_after_it_was_judged(desk: Desk) -> None:
    case = Case(desk)
    case.judged()
    os.utime(desk.root / "in", (1, 1))
    settled(desk.root / "in")
    assert not case.is_kept()
    case.judged()
    assert case.is_kept()


def test_a_failed_evaluation_leaves_none(desk: Desk) -> None:
    case = Case(desk)
    case.judged()
    desk.tracker.fail(case.it)
    assert not case.is_kept()


def test_an_evaluation_that_did_not_end_leaves_none(desk: Desk) -> None:
    case = Case(desk)
    case.judged()
    desk.tracker.judge(case.it, None, case.parents)
    desk.tracker.begin(case.it)
    assert not case.is_kept()


def test_what_is_edited_during_an_evaluation_is_no_evidence_for_it(desk: Desk) -> None:
    case = Case(desk)
    case.edit("in")
    verdict = desk.judge(case.it, case.parents)
    case.edit("in")
    desk.judge(declared(other, "in"), case.parents)  # another state reads what is there now
    desk.tracker.finish(case.it, verdict, 1, {})
    assert not case.is_kept()


def closing_over(number: int) -> Callable[..., int]:
    return lambda p: p + number


def with_default(p: int, more: int = 1) -> int:
    return p + more


WITHOUT: dict[str, Callable[[], AnyState]] = {
    "a glob": lambda: declared(one, "*n"),
    "a folder": lambda: declared(one, "folder"),
    "a file that is not there": lambda: declared(one, "nothing"),
    "a partial": lambda: declared(partial(one), "in"),
    "a closure": lambda: declared(closing_over(1), "in"),
    "a default": lambda: declared(with_default, "in"),
}


@pytest.mark.parametrize("make", WITHOUT.values(), ids=WITHOUT)
def test_there_is_none_where_a_fingerprint_sees_more(desk: Desk, make: Callable[[], AnyState]) -> None:
    desk.write("in", "x")
    desk.write("folder/file", "x")
    settled(desk.root / "folder/file")
    of = make()
    for _ in range(2):
        verdict = desk.judge(of, {"p": ONE})
        if verdict.up_to_date:
            desk.tracker.skip(of, verdict)
        else:
            desk.evaluate(of, 1, {"p": ONE})
        desk.again()
        assert desk.tracker.kept(of, {"p": ONE}) is None
    assert desk.judge(of, {"p": ONE}).up_to_date
