"""The parameters of states: given by state and key, validated by each state's model before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from groundup.dag.graph import StateGraph
from groundup.dag.state import AnyState


class Parameters:
    """Instances of the models of those states that are planned."""

    def __init__(self, graph: StateGraph, given: Mapping[str, Mapping[str, Any]]) -> None:
        self._graph = graph
        self._given = given
        self._models: dict[str, Any] = {}

    def prepare(self, planned: Iterable[AnyState]) -> None:
        """Validate the parameters of `planned` states.

        :raises ParamsError: they are missing or wrong.
        """
        for state in planned:
            if state.params is not None and state.name not in self._models:
                self._models[state.name] = state.params.wanted.model_validate(
                    dict(self._given.get(state.name, {}))
                )

    def of(self, state: AnyState) -> Any:
        """Return the parameters of a state."""
        if state.name not in self._models:
            self.prepare([state])
        return self._models[state.name]
