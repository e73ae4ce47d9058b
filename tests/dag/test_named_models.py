"""Models of parameters that are named by a text: they are imported when their state is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from groundup.dag import AnyState, InvalidStateError, Runner, StateGraph, state

if TYPE_CHECKING:
    from late_models import Greeting  # type: ignore[import-not-found]

MODELS = """
from pydantic import BaseModel

class Greeting(BaseModel):
    word: str = "hello"

plain = 3
"""


@pytest.fixture(autouse=True)
def late_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module `late_models` can be imported, and is not yet."""
    (tmp_path / "late_models.py").write_text(MODELS)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("late_models", None)


def greeter(model: str) -> AnyState:
    @state(params=model)
    def greet(params: Greeting) -> str:
        return f"{params.word} world"

    return greet


@state
def other() -> int:
    return 1


def test_the_model_is_imported_when_its_state_is_reached() -> None:
    graph = StateGraph([greeter("late_models:Greeting"), other])
    with Runner(graph, params={"greet": {"word": "good day"}}) as runner:
        assert runner.reach("other").value("other") == 1
        assert "late_models" not in sys.modules
        assert runner.reach("greet").value("greet") == "good day world"


def test_whoever_asks_for_the_parameters_gets_the_model() -> None:
    params = greeter("late_models:Greeting").params
    assert params is not None
    assert params.wanted is sys.modules["late_models"].Greeting


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("late_models:Greting", "late_models:Greting .* cannot be imported: .*Greting"),
        ("no_such_models:Greeting", "cannot be imported: No module named 'no_such_models'"),
        ("late_models:plain", "no pydantic model"),
    ],
)
def test_a_model_that_is_not_there_is_told_with_its_state(model: str, message: str) -> None:
    with (
        Runner(StateGraph([greeter(model)])) as runner,
        pytest.raises(InvalidStateError, match=message) as caught,
    ):
        runner.reach("greet")
    assert f"{__file__}:" in str(caught.value)


@pytest.mark.parametrize("model", ["Greeting", "late_models", "late_models:", "a b:C", ":Greeting"])
def test_a_text_that_names_no_model_is_refused_where_it_stands(model: str) -> None:
    with pytest.raises(InvalidStateError, match="names no model") as caught:
        greeter(model)
    assert "module:Model" in caught.value.hint
