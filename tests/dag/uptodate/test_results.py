"""What a state contributes to its children: its value, what it made, or its fingerprint."""

from __future__ import annotations

from typing import Any

import pytest

from groundup.dag import state
from groundup.dag.errors import NoValueError
from groundup.dag.uptodate import (
    Change,
    Result,
)
from tests.dag.uptodate.desk import (
    ONE,
    TWO,
    Desk,
    built,
    checked,
    checked_output,
    demanding,
    opaque,
    plain,
    read,
)


def test_an_unchanged_result_is_none_that_is_new(desk: Desk) -> None:
    desk.write("in.txt", "1")
    before, _ = desk.evaluate(read, 5)
    desk.write("in.txt", "2")
    after, changed = desk.evaluate(read, 5)
    assert (after, changed) == (before, False)
    desk.write("in.txt", "3")
    after, changed = desk.evaluate(read, 6)
    assert changed
    assert after.digest != before.digest


def test_outputs_belong_to_the_result(desk: Desk) -> None:
    desk.write("out.txt", "1")
    before, _ = desk.evaluate(built, 5)
    desk.write("out.txt", "2")
    after, changed = desk.evaluate(built, 5)
    assert changed
    assert after.value == before.value
    desk.write("out.txt", "1")
    assert desk.evaluate(built, 5) == (before, True)


def test_where_the_value_cannot_be_kept_the_fingerprint_is_the_result(desk: Desk) -> None:
    desk.write("in.txt", "1")
    before, _ = desk.evaluate(opaque, object())
    assert before.value is None
    again, changed = desk.evaluate(opaque, object())
    assert (again, changed) == (before, False)
    desk.write("in.txt", "2")
    _, changed = desk.evaluate(opaque, object())
    assert changed
    desk.again()
    verdict = desk.judge(opaque)
    assert verdict.up_to_date
    assert not verdict.has_value
    assert verdict.stored is None


def test_a_stored_value_that_no_longer_fits_is_none(desk: Desk) -> None:
    def function() -> Any:
        return "a"

    @state(name="it", inputs=["in.txt"])
    def old() -> str:
        return "a"

    desk.evaluate(old, "a")
    function.__annotations__["return"] = int
    function.__code__ = old.function.__code__
    desk.again()
    verdict = desk.judge(state(name="it", inputs=["in.txt"])(function))
    assert verdict.up_to_date
    assert verdict.stored is not None
    with pytest.raises(NoValueError):
        verdict.stored()


def test_a_value_is_restored_once(desk: Desk) -> None:
    @state(inputs=["in.txt"])
    def listed() -> list[int]:
        return [1]

    desk.evaluate(listed, [1])
    stored = desk.judge(listed).stored
    assert stored is not None
    assert stored() is stored()


def test_the_result_of_what_is_evaluated_every_time(desk: Desk) -> None:
    def of(value: Any, parent: Result = ONE, level: int = 1) -> Result:
        return desk.tracker.result(plain, value, {"read": parent}, {"level": level})

    assert of(1) == of(1, TWO, 2)
    assert of(1).digest != of(2).digest
    assert of({"b", "a"}).digest == of({"a", "b"}).digest
    assert of(object()) == of(object())
    assert len({of(object()), of(object(), TWO), of(object(), ONE, 2)}) == 3
    assert not desk.folder.exists()


def test_lazy_parents_count_when_they_were_asked(desk: Desk) -> None:
    parents = {"read": ONE}
    assert desk.tracker.asked(demanding) == ()
    desk.evaluate(demanding, 1, parents, lazies={"b": TWO})
    desk.again()
    assert desk.tracker.asked(demanding) == ("b",)
    assert desk.reasons(demanding, {**parents, "b": TWO}) == []
    assert desk.reasons(demanding, {**parents, "b": ONE}) == ["parent b"]
    desk.evaluate(demanding, 1, {**parents, "b": ONE}, lazies={})
    assert desk.tracker.asked(demanding) == ()
    assert desk.reasons(demanding, parents) == []


# -- checks ---------------------------------------------------------------------------------------------


def test_what_is_satisfied_without_a_record_is_done_from_then_on(desk: Desk) -> None:
    verdict = desk.judge(checked).satisfied()
    assert verdict.up_to_date
    assert not verdict.has_value
    result = desk.tracker.skip(checked, verdict)
    assert result.value is None
    desk.again()
    verdict = desk.judge(checked)
    assert verdict.up_to_date
    assert desk.tracker.skip(checked, verdict) == result


def test_what_is_satisfied_but_lacks_an_output_is_not_done(desk: Desk) -> None:
    verdict = desk.judge(checked_output).satisfied()
    assert [reason.text for reason in verdict.reasons] == ["output out.txt is absent"]
    desk.write("out.txt")
    verdict = desk.judge(checked_output).satisfied()
    assert verdict.up_to_date
    desk.tracker.skip(checked_output, verdict)
    assert desk.reasons(checked_output) == []


def test_the_value_of_what_is_satisfied_is_of_use_while_its_fingerprint_is_the_same(desk: Desk) -> None:
    desk.evaluate(checked, 5, {"p": ONE})
    desk.again()
    stored = desk.judge(checked, {"p": ONE}).satisfied().stored
    assert stored is not None
    assert stored() == 5
    other = desk.judge(checked, {"p": TWO}).satisfied()
    assert other.up_to_date
    assert not other.has_value
    assert desk.tracker.skip(checked, other).value is None


def test_one_more_reason(desk: Desk) -> None:
    desk.evaluate(read, 1)
    verdict = desk.judge(read).because(Change("forced", "read"))
    assert not verdict.up_to_date
    assert [reason.text for reason in verdict.reasons] == ["forced"]
