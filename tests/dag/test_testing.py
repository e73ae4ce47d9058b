"""What clients test their states with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from pydantic import BaseModel

from groundup.dag import InvalidStateError, Lazy, Params, UnknownStateError, state
from groundup.dag.state import AnyState
from groundup.dag.testing import reach


class Size(BaseModel):
    width: int = 3


@state
def base() -> int:
    return 20


@state
def doubled(base: int) -> int:
    return 2 * base


@state
def boxed(doubled: int, size: Params[Size]) -> str:
    return f"{doubled}x{size.width}"


def test_parents_are_stand_ins() -> None:
    assert reach(doubled, overrides={"base": 4}) == 8


def test_parents_can_be_real() -> None:
    assert reach(doubled, states=[base]) == 40
    assert reach(doubled, states=[base], overrides={"base": 1}) == 2


def test_parameters_are_given_or_have_their_defaults() -> None:
    assert reach(boxed, overrides={"doubled": 1}) == "1x3"
    assert reach(boxed, overrides={"doubled": 1}, params={"width": 9}) == "1x9"


def test_a_parent_that_nobody_gives_is_an_error() -> None:
    with pytest.raises(UnknownStateError, match="base"):
        reach(doubled)


def test_what_the_state_raises_is_raised() -> None:
    @state
    def broken(base: int) -> None:
        raise KeyError(base)

    with pytest.raises(KeyError, match="7"):
        reach(broken, overrides={"base": 7})


def test_a_lazy_parent_is_a_stand_in_too() -> None:
    @state
    def asks(base: Lazy[int]) -> int:
        return base.get() + 1

    assert reach(asks, overrides={"base": 1}) == 2


def test_what_is_replaced_is_a_stand_in_too() -> None:
    @state(replaces="base")
    def more(replaced: int) -> int:
        return replaced + 1

    assert reach(more, overrides={"replaced": 1}) == 2
    assert reach(more, states=[base]) == 21


def test_generators_are_ended() -> None:
    log = []

    @state
    def server() -> Iterator[str]:
        yield "address"
        log.append("down")

    assert reach(server) == "address"
    assert log == ["down"]


def test_a_name_is_no_state() -> None:
    with pytest.raises(InvalidStateError, match="'price' is no state"):
        reach(cast("AnyState", "price"))
