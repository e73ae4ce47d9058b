"""What a state costs in memory: time against plain loops, and the bytes that it takes."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from groundup.dag import AnyState, Report, Runner, StateGraph, state
from tests.benchmarks.dag.loading import load_states
from tests.benchmarks.dag.sources import Shape, write_states
from tests.benchmarks.figures import Figure, per_state, ratio
from tests.benchmarks.measuring import BenchmarkError, Cost, taken_in_turns, timed

T = TypeVar("T")
Values: TypeAlias = dict[str, Any]

GOALS: Mapping[str, tuple[int | None, float]] = {"--jobs 1": (1, 25), "default jobs": (None, 60)}


def speed(shape: Shape, folder: Path, rounds: int) -> list[Figure]:
    """Measure reaching all states, from the declared ones to the report, against two plain loops."""
    states = load_states(write_states(folder, shape, tracked=False))
    ways: dict[str, Callable[[], Values | Report]] = {
        **{name: partial(reach, states, jobs) for name, (jobs, _) in GOALS.items()},
        "graphlib": partial(by_graphlib, states),
        "networkx": partial(by_networkx, states),
    }
    costs = taken_in_turns({name: partial(cost_of, way, shape) for name, way in ways.items()}, rounds)
    figures = []
    for name, (_, target) in GOALS.items():
        figures.append(per_state(f"in memory, {shape}, {name}", target, costs[name], shape.size))
        for other in ("graphlib", "networkx"):
            title = f"in memory, {shape}, {name} / {other}"
            figures.append(ratio(title, None, costs, over=name, under=other))
    return figures


def cost_of(way: Callable[[], Values | Report], shape: Shape) -> Cost:
    """Return what it cost to evaluate all states in one way.

    :raises BenchmarkError: it did not evaluate all of them.
    """
    with timed() as cost:
        found = way()
    values = values_of(found) if isinstance(found, Report) else found
    if values != shape.values():
        raise BenchmarkError(
            f"{shape}: wrong values", hint="see whether the tests of the runner fail as well"
        )
    return cost()


def values_of(report: Report) -> Values:
    return {outcome.state.name: outcome.value for outcome in report.outcomes}


def reach(states: Sequence[AnyState], jobs: int | None) -> Report:
    """Reach all states by groundup."""
    graph = StateGraph(states)
    with Runner(graph, jobs=jobs) as runner:
        return runner.reach(*graph.ends)


def by_graphlib(states: Sequence[AnyState]) -> Values:
    """Evaluate all states by the standard library's sorter and a loop."""
    by_name = {each.name: each for each in states}
    order = TopologicalSorter({each.name: each.parents for each in states}).static_order()
    return evaluated(by_name[name] for name in order)


def by_networkx(states: Sequence[AnyState]) -> Values:
    """Evaluate all states by networkx's sorting and a loop."""
    import networkx

    by_name = {each.name: each for each in states}
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(by_name)
    graph.add_edges_from((parent, each.name) for each in states for parent in each.parents)
    return evaluated(by_name[name] for name in networkx.topological_sort(graph))


def evaluated(order: Iterable[AnyState]) -> Values:
    """Call the functions of states one after the other; return what they gave."""
    values: Values = {}
    for each in order:
        values[each.name] = each.function(*[values[argument.parent] for argument in each.arguments])
    return values


def held(shape: Shape, folder: Path, _rounds: int) -> list[Figure]:
    """Measure the bytes that a state holds: once declared, then in a graph, then after it was reached."""
    loaded = load_states(write_states(folder, shape, tracked=False))
    tracemalloc.start()  # not before: it looks up the line of each allocation, slow in so long a module
    try:
        states, declared = growth(lambda: [state(each.function, needs=each.needs) for each in loaded])
        graph, connected = growth(lambda: StateGraph(states))
        with Runner(graph) as runner:
            _, reached = growth(lambda: runner.reach(*graph.ends))
    finally:
        tracemalloc.stop()
    steps = {"declared": declared, "in a graph": connected, "reached": reached}
    return [
        Figure(f"memory, {shape}, {step}", "bytes a state", None, (grown / shape.size,))
        for step, grown in steps.items()
    ]


def growth(make: Callable[[], T]) -> tuple[T, int]:
    """Return what is made, and how many bytes more are held then."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    made = make()
    gc.collect()
    return made, tracemalloc.get_traced_memory()[0] - before
