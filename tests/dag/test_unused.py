"""Parameters that a state's function asks for and never uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any

import pytest

from groundup.dag import Lazy, state
from groundup.dag.unused import unused_arguments


def reads_one(a: int, b: int) -> int:
    return a


def only_describes(a: int, b: int) -> None:
    """All of it is there."""


def overwrites_after_reading(a: int, b: int) -> int:
    a, b = 1, a
    return a + b


def uses_inside(a: int, b: int) -> Callable[[], list[int]]:
    return lambda: [a for _ in range(b)]


def gives_away(a: int, b: int) -> dict[str, Any]:
    return locals()


def takes_keyword(a: int, *, b: int) -> int:
    return a + 1


async def waits(a: Lazy[int], b: int) -> int:
    return await a


def yields(a: int, b: int) -> Iterator[int]:
    yield a


def removes(a: int, b: int) -> int:
    del b
    return a


class Maker:
    def makes(self, a: int, b: int) -> int:  # noqa: ARG002 - that is what is tested
        return a


def logged(function: Callable[..., int]) -> Callable[..., int]:
    @wraps(function)
    def call(*args: int, **kwargs: int) -> int:
        return function(*args, **kwargs)

    return call


@pytest.mark.parametrize(
    ("function", "unused"),
    [
        (reads_one, ("b",)),
        (only_describes, ("a", "b")),
        (overwrites_after_reading, ()),
        (uses_inside, ()),
        (gives_away, ()),
        (takes_keyword, ("b",)),
        (waits, ("b",)),
        (yields, ("b",)),
        (removes, ()),
        (Maker().makes, ("b",)),
        (partial(reads_one, b=2), ()),
        (logged(reads_one), ("b",)),
    ],
)
def test_what_is_never_used_is_named(function: Callable[..., Any], unused: tuple[str, ...]) -> None:
    assert unused_arguments(state(function, name="any")) == unused


def test_what_only_the_check_uses_is_used() -> None:
    made = state(outputs=["x"])(only_describes)

    @made.satisfied
    def check(a: int) -> bool:
        return a > 1

    assert unused_arguments(made) == ("b",)


def test_what_has_no_code_is_not_judged() -> None:
    class Maker:
        __name__ = "made"

        def __call__(self) -> int:
            return 1

    assert unused_arguments(state(Maker())) == ()
