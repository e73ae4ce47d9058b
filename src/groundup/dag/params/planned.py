"""The parameters of states: given by state and key, validated by each state's model before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from groundup.dag.graph import StateGraph
from groundup.dag.state import AnyState


class Parameters:
    """Instances of the models of those states that are planned.

    :param given: parameters by state and key; a `ParamSource` also tells where each was given.
    :raises ParamsError: something is given that no state takes.
    """

    def __init__(self, graph: StateGraph, given: Mapping[str, Mapping[str, Any]]) -> None:
        self._given = given
        self._models: dict[str, Any] = {}
        if given:
            from groundup.dag.params.models import check_params
            from groundup.dag.params.source import ParamSource

            check_params(graph, ParamSource.of(given))

    def prepare(self, planned: Iterable[AnyState]) -> None:
        """Validate the parameters of `planned` states.

        :raises ParamsError: they are missing or wrong.
        """
        for state in planned:
            if state.params is not None and state.name not in self._models:
                from groundup.dag.params.models import resolve_params
                from groundup.dag.params.source import ParamSource

                self._models[state.name] = resolve_params(state, ParamSource.of(self._given))

    def of(self, state: AnyState) -> Any:
        """Return the parameters of a state."""
        if state.name not in self._models:
            self.prepare([state])
        return self._models[state.name]

    def values_of(self, state: AnyState) -> dict[str, Any] | None:
        """Return the parameters of a state by name; None when it has none."""
        return None if state.params is None else dict(self.of(state))
