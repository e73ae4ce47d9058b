"""A state in the place of another: children get its value, it may use what it replaces."""

from __future__ import annotations

import pytest

from groundup.dag import (
    DuplicateStateError,
    InvalidStateError,
    Lazy,
    Runner,
    StateGraph,
    UnknownStateError,
    state,
)
from groundup.dag.state import AnyState


@state
def greeting() -> str:
    return "hello"


@state
def letter(greeting: str) -> str:
    return f"{greeting}, world"


@state(replaces="greeting")
def other_greeting() -> str:
    return "goodbye"


@state(replaces=greeting)
def louder(replaced: str) -> str:
    return replaced.upper()


@state(replaces="greeting")
def twice(replaced: str) -> str:
    return f"{replaced} {replaced}"


def written(*states: AnyState) -> str:
    with Runner(StateGraph(states)) as runner:
        return str(runner.reach("letter").value("letter"))


def test_children_get_the_value_of_the_newcomer() -> None:
    assert written(greeting, letter, other_greeting) == "goodbye, world"


def test_the_order_of_the_two_does_not_matter() -> None:
    assert written(other_greeting, letter, greeting) == "goodbye, world"


def test_the_newcomer_gets_the_value_of_what_it_replaces() -> None:
    assert written(greeting, letter, louder) == "HELLO, world"


def test_the_last_of_several_stands_in_front() -> None:
    assert written(greeting, letter, louder, twice) == "HELLO HELLO, world"
    assert written(greeting, letter, twice, other_greeting) == "goodbye, world"


def test_what_is_replaced_and_not_wanted_is_left_out() -> None:
    graph = StateGraph([greeting, letter, other_greeting])
    assert [each.name for each in graph] == ["greeting", "letter"]
    assert graph["greeting"].replaced is greeting
    assert graph["greeting"].source == other_greeting.source


def test_what_is_replaced_and_wanted_is_a_state_of_its_own() -> None:
    graph = StateGraph([greeting, letter, louder, twice])
    assert {each.name: each.parents for each in graph} == {
        "greeting": ("greeting.replaced",),
        "greeting.replaced": ("greeting.replaced.replaced",),
        "greeting.replaced.replaced": (),
        "letter": ("greeting",),
    }


def test_what_is_replaced_can_be_lazy() -> None:
    @state(replaces="greeting")
    def sometimes(replaced: Lazy[str]) -> str:
        return replaced.get().title()

    assert written(greeting, letter, sometimes) == "Hello, world"


def test_the_same_name_twice_is_an_error_with_both_places() -> None:
    @state(name="greeting")
    def second() -> str:
        return "hi"

    with pytest.raises(DuplicateStateError) as caught:
        StateGraph([greeting, second])
    assert greeting.source in str(caught.value)
    assert second.source in str(caught.value)
    assert 'replaces="greeting"' in caught.value.hint


def test_what_is_not_there_cannot_be_replaced() -> None:
    @state(replaces="greting")
    def wrong() -> str:
        return ""

    with pytest.raises(UnknownStateError, match=r"no state named greting.*replaces") as caught:
        StateGraph([greeting, wrong])
    assert "greeting" in caught.value.hint


def test_a_newcomer_has_no_name_of_its_own() -> None:
    @state(name="mine", replaces="greeting")
    def wrong() -> str:
        return ""

    with pytest.raises(InvalidStateError, match="mine"):
        StateGraph([greeting, wrong])


def test_replaced_without_replaces_is_an_error() -> None:
    @state
    def wrong(replaced: str) -> str:
        return replaced

    with pytest.raises(InvalidStateError, match="replaces no state"):
        StateGraph([wrong])
