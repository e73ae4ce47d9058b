"""The graph of states: plain adjacency, checked as a whole before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from groundup.dag.annotations import UNKNOWN, fits
from groundup.dag.errors import CycleError, TypeMismatchError, UnknownStateError
from groundup.dag.replacing import in_place
from groundup.dag.state import AnyState, State

if TYPE_CHECKING:
    import networkx


class StateGraph:
    """States by name, in the order in which they were given, and who needs whom.

    A state that replaces another takes its name and its place; the other is left out, or, where the newcomer
    has the parameter ``replaced``, is named ``<name>.replaced``.

    :param states: the states; the same object twice counts once.
    :raises DuplicateStateError: two states have one name, and none replaces the other.
    :raises UnknownStateError: a parent, or a state to be replaced, is not among them.
    :raises TypeMismatchError: a parent's value is not what its child's parameter is annotated with.
    :raises CycleError: states need each other.
    """

    def __init__(self, states: Iterable[AnyState]) -> None:
        self._states = {state.name: state for state in in_place(states)}
        self._children: dict[str, list[str]] = {name: [] for name in self._states}
        self._connect()
        self._refuse_cycles()
        self._check_types()

    @classmethod
    def from_modules(cls, *modules: ModuleType) -> StateGraph:
        """Return the graph of all states that are attributes of `modules`."""
        return cls(value for module in modules for value in vars(module).values() if isinstance(value, State))

    def __getitem__(self, name: str) -> AnyState:
        try:
            return self._states[name]
        except KeyError:
            raise UnknownStateError(name, self._states) from None

    def __contains__(self, name: object) -> bool:
        return name in self._states

    def __iter__(self) -> Iterator[AnyState]:
        return iter(self._states.values())

    def __len__(self) -> int:
        return len(self._states)

    def parents(self, name: str) -> tuple[str, ...]:
        """Return the names of the states that `name` needs."""
        return self[name].parents

    def children(self, name: str) -> tuple[str, ...]:
        """Return the names of the states that need `name`."""
        return tuple(self._children[self[name].name])

    @property
    def ends(self) -> tuple[str, ...]:
        """Names of the states that no other needs."""
        return tuple(name for name, children in self._children.items() if not children)

    def to_networkx(self) -> networkx.DiGraph[Any]:
        """Return the graph for analysis: nodes are names, edges lead from parent to child."""
        import networkx

        graph: networkx.DiGraph[Any] = networkx.DiGraph()
        graph.add_nodes_from((state.name, {"state": state}) for state in self)
        graph.add_edges_from((parent, state.name) for state in self for parent in state.parents)
        return graph

    def _connect(self) -> None:
        for state in self:
            for parent in state.parents:
                if parent not in self._states:
                    raise UnknownStateError(parent, self._states, wanted_by=state)
                self._children[parent].append(state.name)

    def _check_types(self) -> None:
        returned: dict[str, Any] = {}
        for child in self:
            for argument in child.arguments:
                if not argument.parent or argument.wanted is UNKNOWN:
                    continue
                parent = self._states[argument.parent]
                if parent.name not in returned:
                    returned[parent.name] = parent.returns
                if not fits(returned[parent.name], argument.wanted):
                    raise TypeMismatchError(
                        parent, child, returned[parent.name], argument.name, argument.wanted
                    )

    def _refuse_cycles(self) -> None:
        waiting = {state.name: len(state.parents) for state in self}
        free = [name for name, count in waiting.items() if not count]
        while free:
            name = free.pop()
            del waiting[name]
            for child in self._children[name]:
                waiting[child] -= 1
                if not waiting[child]:
                    free.append(child)
        if waiting:
            raise CycleError(self._cycle(waiting))

    def _cycle(self, among: Collection[str]) -> list[AnyState]:
        import networkx

        needed = self.to_networkx().reverse(copy=False).subgraph(among)
        path = [child for child, *_ in networkx.find_cycle(needed)]
        inside = set(path)
        start = path.index(next(name for name in among if name in inside))  # the same in every process
        return [self._states[name] for name in path[start:] + path[:start]]
