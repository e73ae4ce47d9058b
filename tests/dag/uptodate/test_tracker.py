"""When a state is up to date: as long as nothing changed that it depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from groundup.dag import state
from groundup.dag.errors import DagError
from groundup.dag.state import AnyState
from groundup.dag.uptodate import (
    Change,
    MissingOutputError,
    Result,
    UnreadableFileError,
)
from groundup.errors import UserError
from tests.dag.uptodate.desk import (
    ONE,
    TWO,
    Desk,
    built,
    fed,
    makes,
    read,
)


def test_nothing_is_known_at_first(desk: Desk) -> None:
    verdict = desk.judge(read)
    assert not verdict.up_to_date
    assert verdict.is_first
    assert not verdict.has_value
    assert verdict.reasons == (Change("first", "read"),)
    desk.tracker.close()
    assert list(desk.root.iterdir()) == []


def test_what_was_evaluated_is_up_to_date_in_the_next_process(desk: Desk) -> None:
    desk.write("in.txt", "1")
    desk.write("out.txt", "1")
    result, changed = desk.evaluate(built, 41)
    assert changed
    desk.again()
    verdict = desk.judge(built)
    assert verdict.up_to_date
    assert verdict.reasons == ()
    assert verdict.has_value
    assert verdict.stored is not None
    assert verdict.stored() == 41
    assert desk.tracker.skip(built, verdict) == result == Result(result.digest, "41")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda desk: desk.write("in.txt", "2"), ["input in.txt"]),
        (lambda desk: (desk.root / "in.txt").unlink(), ["input in.txt"]),
        (lambda desk: desk.write("src/new", ""), ["input src/", "input src/new"]),
        (lambda desk: desk.write("out.txt", "2"), ["output out.txt"]),
        (lambda desk: (desk.root / "out.txt").unlink(), ["output out.txt"]),
        (lambda desk: (desk.root / "out.txt").chmod(0o777), ["output out.txt"]),
        (lambda desk: desk.write("other", ""), []),
        (lambda desk: desk.write("in.txt", "1"), []),
    ],
)
def test_inputs_and_outputs_count(desk: Desk, change: Any, reason: list[str]) -> None:
    desk.write("in.txt", "1")
    desk.write("out.txt", "1")
    desk.evaluate(built, 1)
    change(desk)
    assert desk.reasons(built) == reason


def test_parents_and_parameters_count(desk: Desk) -> None:
    desk.evaluate(fed, 1, {"p": ONE}, {"level": 1})
    assert desk.reasons(fed, {"p": ONE}, {"level": 1}) == []
    assert desk.reasons(fed, {"p": Result("one", "other text")}, {"level": 1}) == []
    assert desk.reasons(fed, {"p": TWO}, {"level": 1}) == ["parent p"]
    assert desk.reasons(fed, {}, {"level": 1}) == ["parent p"]
    assert desk.reasons(fed, {"p": ONE, "q": ONE}, {"level": 1}) == ["parent q"]
    assert desk.reasons(fed, {"p": ONE}, {"level": 2}) == ["parameter level"]
    assert desk.reasons(fed, {"p": TWO}, None) == ["parameter level", "parent p"]


def test_parameters_without_a_text_of_their_own_count_by_their_parts(desk: Desk) -> None:
    class Inner(BaseModel):
        password: SecretStr

    def params(password: str) -> dict[str, Any]:
        return {"inner": Inner(password=SecretStr(password)), "path": Path("a"), "odd": object()}

    desk.evaluate(read, 1, params=params("hunter2"))
    assert desk.reasons(read, params=params("hunter2")) == []
    assert desk.reasons(read, params=params("hunter3")) == ["parameter inner"]
    desk.tracker.close()
    assert b"hunter2" not in (desk.folder / "records.db").read_bytes()


def test_code_counts(desk: Desk) -> None:
    def first() -> int:
        return 1

    def moved() -> int:
        """Say the same."""
        # from another line
        return 1

    def other() -> int:
        return 2

    def named(function: Any, **declared: Any) -> AnyState:
        made: AnyState = state(name="it", inputs=["in.txt"], **declared)(function)
        return made

    desk.evaluate(named(first), 1)
    assert desk.reasons(named(moved)) == []
    assert desk.reasons(named(other)) == ["source it"]
    assert desk.reasons(named(first, outputs=["out.txt"])) == ["output out.txt"]
    assert desk.reasons(named(first, retries=3, timeout=5)) == []


def test_a_deleted_file_among_many_outputs_is_seen_but_not_a_new_one(desk: Desk) -> None:
    for name in ("made/a", "made/b", "folder/deep/c"):
        desk.write(name, name)
    desk.evaluate(makes)
    desk.write("made/new", "")
    desk.write("folder/new", "")
    assert desk.reasons(makes) == []
    (desk.root / "folder/deep/c").unlink()
    assert desk.reasons(makes) == ["output folder/deep/c"]


def test_an_output_that_was_not_made_is_an_error_and_nothing_is_done(desk: Desk) -> None:
    desk.write("in.txt", "1")
    with pytest.raises(MissingOutputError, match=r"^it did not make out\.txt$") as error:
        desk.evaluate(built, 1)
    assert error.value.hint
    assert not isinstance(error.value, UserError)
    assert desk.reasons(built) == ["first built"]
    desk.write("folder", "")
    desk.evaluate(makes)  # a glob may name nothing


def test_files_that_cannot_be_read_are_an_error(desk: Desk) -> None:
    @state(inputs=["/proc/self/mem"])
    def spy() -> None:
        pass

    @state(outputs=["x" * 300])
    def long() -> None:
        pass

    for each, name in ((spy, "/proc/self/mem"), (long, "xxx")):
        with pytest.raises(UnreadableFileError, match=f"{name}.*{each.name}.*cannot be read") as error:
            desk.evaluate(each)
        assert isinstance(error.value, DagError)
        assert error.value.hint


def test_a_change_during_the_evaluation_is_seen_next_time(desk: Desk) -> None:
    desk.write("in.txt", "before")
    verdict = desk.judge(read)
    desk.tracker.begin(read)
    desk.write("in.txt", "meanwhile")
    desk.tracker.finish(read, verdict, 1, {})
    assert desk.reasons(read) == ["input in.txt"]


def test_what_began_and_did_not_end_is_not_done(desk: Desk) -> None:
    desk.evaluate(read, 1)
    desk.again()
    assert desk.judge(read).up_to_date
    desk.tracker.begin(read)
    assert not desk.judge(read).up_to_date
    desk.again()
    verdict = desk.judge(read)
    assert verdict.is_first
    assert [reason.text for reason in verdict.reasons] == ["the last evaluation did not end"]
    assert not verdict.has_value


FILES = st.dictionaries(st.sampled_from(["in.txt", "src/a", "src/b"]), st.sampled_from(["1", "2"]))
SITUATIONS = st.tuples(
    FILES, st.sampled_from([{}, {"p": ONE}, {"p": TWO}]), st.sampled_from([None, {"level": 1}, {"level": 2}])
)


@settings(max_examples=60)
@given(SITUATIONS, SITUATIONS)
def test_a_state_is_up_to_date_when_it_was_evaluated_in_the_same_situation_and_only_then(
    tmp_path_factory: pytest.TempPathFactory, one: Any, other: Any
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    try:
        arrange(desk, one[0])
        desk.write("out.txt", "made")
        desk.evaluate(built, 1, one[1], one[2])
        arrange(desk, other[0])
        assert (desk.reasons(built, other[1], other[2]) == []) == (one == other)
    finally:
        desk.tracker.close()


def arrange(desk: Desk, files: dict[str, str]) -> None:
    """Make `files`, and only them, the inputs."""
    for name in ("in.txt", "src/a", "src/b"):
        (desk.root / name).unlink(missing_ok=True)
    (desk.root / "src").mkdir(exist_ok=True)
    for name, text in files.items():
        desk.write(name, text)
