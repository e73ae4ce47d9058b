"""@state: what becomes a state, with which parents, and what cannot be one."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from groundup.dag import InvalidStateError, state


@state
def plain(alpha: int, beta: str) -> str:
    """Joins both.

    A second paragraph.
    """
    return f"{alpha}{beta}"


def test_parents_are_the_parameters_in_order() -> None:
    assert plain.name == "plain"
    assert plain.parents == ("alpha", "beta")


def test_a_state_can_be_called_like_its_function() -> None:
    assert plain(1, "x") == "1x"


def test_the_docstring_describes_it() -> None:
    assert plain.summary == "Joins both."
    assert plain.description == "Joins both.\n\nA second paragraph."


def test_its_repr_says_what_it_was_declared_with() -> None:
    assert repr(plain).startswith("State(name='plain', function=<function plain at ")
    assert "needs=(), inputs=(), outputs=(), replaces='', retries=Retries(times=0, " in repr(plain)


def test_it_knows_where_it_stands() -> None:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert plain.file == __file__
    assert lines[plain.line - 1] == "@state"
    assert plain.source == f"{__file__}:{plain.line}"


def test_name_and_needs_are_given_to_the_decorator() -> None:
    @state(name="other", needs=["gamma", plain])
    def function(alpha: int) -> None: ...

    assert function.name == "other"
    assert [argument.name for argument in function.arguments] == ["alpha"]
    assert function.parents == ("alpha", "gamma", "plain")


def test_a_parent_that_is_parameter_and_need_counts_once() -> None:
    @state(needs=["alpha"])
    def function(alpha: int) -> None: ...

    assert function.parents == ("alpha",)


def test_a_parameter_with_a_default_is_no_parent() -> None:
    @state
    def function(alpha: int, *, times: int = 2) -> int:
        return alpha * times

    assert function.parents == ("alpha",)


def test_partials_and_methods_are_states() -> None:
    class Maker:
        def made(self, alpha: int) -> int:
            """Makes one."""
            return alpha

    def power(base: int, exponent: int) -> int:
        return int(base**exponent)

    square = state(functools.partial(power, exponent=2), name="square")
    made = state(Maker().made)
    assert (square.parents, square(3), square.line > 0) == (("base",), 9, True)
    assert (made.name, made.parents, made.summary) == ("made", ("alpha",), "Makes one.")


def test_a_wrapped_function_has_the_source_of_the_inner_one() -> None:
    def inner(alpha: int) -> int:
        return alpha

    @functools.wraps(inner)
    def outer(*args: Any, **kwargs: Any) -> int:
        return inner(*args, **kwargs)

    declared = state(outer)
    assert declared.parents == ("alpha",)
    assert declared.line == inner.__code__.co_firstlineno


async def _stream() -> AsyncIterator[int]:
    yield 1


def _nothing() -> None: ...


def _packed(*alpha: int) -> None: ...


def _keywords(**alpha: int) -> None: ...


def _positional(alpha: int, /) -> None: ...


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (5, "cannot be a state"),
        (int, "cannot be a state"),
        (plain, "cannot be a state"),
        (functools.partial(print), "has no name"),
        (lambda: None, "'<lambda>', which no parameter can have"),
        (_packed, "cannot be filled by name"),
        (_keywords, "cannot be filled by name"),
        (_positional, "cannot be filled by name"),
        (_stream, "asynchronous generator"),
    ],
)
def test_what_cannot_be_a_state_is_refused_with_a_hint(thing: Any, message: str) -> None:
    with pytest.raises(InvalidStateError, match=message) as caught:
        state(thing)
    assert caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"needs": "config"}, r"needs of the state at .*:\d+ is one state"),
        ({"needs": [3]}, "has 3"),
        ({"needs": [None]}, "has None"),
        ({"retries": 1.5}, "retries of the state at .* is 1.5"),
        ({"retries": "2"}, "retries of the state at .* is '2'"),
        ({"timeout": "5"}, "timeout of the state at .* is '5'"),
        ({"timeout": float("inf")}, "timeout of the state at .* is inf"),
        ({"timeout": float("nan")}, "timeout of the state at .* is nan"),
        ({"name": 3}, "has the name 3"),
        ({"name": "class"}, "has the name 'class', which no parameter can have"),
        ({"replaces": 3}, "replaces of the state at .* is 3"),
        ({"inputs": "a.txt"}, "inputs of the state at .* is one path"),
    ],
)
def test_a_keyword_of_another_type_is_refused_with_its_name(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidStateError, match=message) as caught:
        state(_nothing, **keywords)
    assert caught.value.hint


def test_a_refusal_says_file_and_line() -> None:
    with pytest.raises(InvalidStateError, match=f"test_state.py:{_packed.__code__.co_firstlineno}"):
        state(_packed)


@pytest.mark.parametrize(
    ("keyword", "hint"), [("output", "did you mean outputs?"), ("zzz", "there are name, needs, inputs, ")]
)
def test_an_unknown_keyword_is_told_with_the_nearest_and_its_place(keyword: str, hint: str) -> None:
    declare: Any = state
    with pytest.raises(InvalidStateError, match=rf"test_state\.py:\d+ takes no keyword {keyword}$") as caught:
        declare(**{keyword: ["x"]})
    assert caught.value.hint.startswith(hint)
