"""States and the graph that they form: declare, plan, run, draw.

Usable without the command line and without any configuration::

    from groundup.dag import Runner, StateGraph, state

    @state
    def number() -> int:
        return 20

    @state
    def doubled(number: int) -> int:
        return 2 * number

    with Runner(StateGraph([number, doubled])) as runner:
        assert runner.reach("doubled").value("doubled") == 40
"""

from __future__ import annotations

from groundup.dag.arguments import Lazy, Params
from groundup.dag.errors import (
    CycleError,
    DagError,
    DuplicateStateError,
    InvalidStateError,
    LazyFailedError,
    NoValueError,
    ParamsError,
    StateFailedError,
    StateTimeoutError,
    TypeMismatchError,
    UnknownStateError,
)
from groundup.dag.graph import StateGraph
from groundup.dag.outcome import Event, Finished, Outcome, Report, Retrying, Started, Status, Waiting
from groundup.dag.planner import plan
from groundup.dag.runner import Runner
from groundup.dag.state import AnyState, Retries, State, state

__all__ = [
    "AnyState",
    "CycleError",
    "DagError",
    "DuplicateStateError",
    "Event",
    "Finished",
    "InvalidStateError",
    "Lazy",
    "LazyFailedError",
    "NoValueError",
    "Outcome",
    "Params",
    "ParamsError",
    "Report",
    "Retries",
    "Retrying",
    "Runner",
    "Started",
    "State",
    "StateFailedError",
    "StateGraph",
    "StateTimeoutError",
    "Status",
    "TypeMismatchError",
    "UnknownStateError",
    "Waiting",
    "plan",
    "state",
]
