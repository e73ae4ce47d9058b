"""What a parent gives against what its child takes: a plain contradiction is an error, a doubt is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Annotated, Any, Generic, Literal, NewType, Optional, Protocol, TypeVar, Union

import pytest

from groundup.dag import Lazy, StateGraph, TypeMismatchError, state
from groundup.dag.annotations import UNKNOWN, fits

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
