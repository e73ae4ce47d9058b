"""What a parent gives against what its child takes: a plain contradiction is an error, a doubt is none."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Annotated, Any, Generic, Literal, NewType, Optional, Protocol, TypeVar, Union

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from groundup.dag import Lazy, StateGraph, TypeMismatchError, state
from groundup.dag.annotations import UNKNOWN, fits, required_parameters

T = TypeVar("T")
Id = NewType("Id", int)


class Reads(Protocol):
    def read(self) -> str: ...


class Animal: ...


class Dog(Animal): ...


class Pairs(Generic[T], list[list[T]]): ...


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (int, int),
        (bool, int),
        (int, float),
        (Dog, Animal),
        (Path, PurePath),
        (int, object),
        (int, Any),
        (Any, int),
        (UNKNOWN, int),
        (int, UNKNOWN),
        (int, int | None),
        (None, Optional[int]),  # noqa: UP045
        (int | str, Union[int, str, None]),  # noqa: UP007
        (list[int], Sequence[int]),
        (list[Dog], Iterable[Animal]),
        (list, list[int]),
        (list[int], list),
        (dict[str, int], Mapping[str, Any]),
        (tuple[int, str], tuple[int, ...]),
        (Literal["a", "b"], str),
        (Annotated[int, "seconds"], int),
        (Id, int),
        (int, T),
        (Dog, Reads),
        (Callable[[int], str], Callable[..., str]),
        (type[Dog], type[Animal]),
        (Pairs[int], Sequence[list[int]]),
    ],
)
def test_it_fits(given: Any, wanted: Any) -> None:
    assert fits(given, wanted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (str, int),
        (float, int),
        (Animal, Dog),
        (None, int),
        (int | None, int),
        (int | str, int),
        (str, int | None),
        (list[str], list[int]),
        (list[int], dict[str, int]),
        (dict[str, int], Mapping[str, str]),
        (Literal["a", 1], str),
        (Annotated[str, "x"], int),
        (Path, str),
    ],
)
def test_it_does_not_fit(given: Any, wanted: Any) -> None:
    assert not fits(given, wanted)


def test_a_mismatch_names_both_places_and_types() -> None:
    @state
    def number() -> int:
        return 1

    @state
    def shout(number: str) -> str:
        return number.upper()

    with pytest.raises(TypeMismatchError) as caught:
        StateGraph([number, shout])
    here = re.escape(__file__)
    assert re.fullmatch(
        rf"number \({here}:\d+\) gives int, but shout \({here}:\d+\) takes number: str", str(caught.value)
    )


def test_what_a_generator_yields_and_a_coroutine_gives_is_compared() -> None:
    @state
    def server() -> Iterator[int]:
        yield 1

    @state
    async def waiter() -> int:
        return 1

    @state
    def good(server: int, waiter: int) -> None: ...

    @state
    def bad(server: str) -> None: ...

    @state
    def bad_too(waiter: str) -> None: ...

    StateGraph([server, waiter, good])
    for wrong in (bad, bad_too):
        with pytest.raises(TypeMismatchError):
            StateGraph([server, waiter, wrong])


def test_what_is_in_lazy_is_compared() -> None:
    @state
    def number() -> int:
        return 1

    @state
    def good(number: Lazy[int]) -> int:
        return number.get()

    @state
    def bad(number: Lazy[str]) -> str:
        return number.get()

    StateGraph([number, good])
    with pytest.raises(TypeMismatchError):
        StateGraph([number, bad])


def test_what_only_type_checkers_import_is_not_judged() -> None:
    @state
    def hidden() -> Unimported:  # type: ignore[name-defined]  # noqa: F821
        ...

    @state
    def child(hidden: int) -> None: ...

    assert len(StateGraph([hidden, child])) == 2


@drawn(
    wanted=st.lists(st.sampled_from(["", ": int"]), max_size=4),
    optional=st.lists(st.sampled_from(["=1", ": int = 1"]), max_size=4),
    by_name=st.lists(st.sampled_from(["", ": int", "=1", ": int = 1"]), max_size=4),
)
def test_required_parameters_are_those_of_the_signature(
    wanted: list[str], optional: list[str], by_name: list[str]
) -> None:
    parameters = [f"p{number}{text}" for number, text in enumerate([*wanted, *optional])]
    keywords = [f"k{number}{text}" for number, text in enumerate(by_name)]
    names: dict[str, Any] = {}
    exec(f"def f({', '.join(parameters + ['*'] * bool(keywords) + keywords)}): x = 1", names)  # noqa: S102

    signature = inspect.signature(names["f"]).parameters.values()
    assert required_parameters(names["f"]) == {
        each.name: UNKNOWN if each.annotation is each.empty else each.annotation
        for each in signature
        if each.default is each.empty
    }


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def around(only: int) -> Any:
        return function(only)

    return around


@pytest.mark.parametrize(
    "function",
    [lambda a, /: a, lambda *a: a, lambda **a: a, decorated(lambda a: a), functools.partial(int), int],
)
def test_a_function_that_says_not_all_itself_is_left_to_its_signature(function: Callable[..., Any]) -> None:
    assert required_parameters(function) is None
