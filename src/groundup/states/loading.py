"""The graph of a repository: built-in states, and those of clients, in a defined order.

In this order: what is built in, modules of the entry-point group ``groundup.states`` (by distribution and
name), modules that the configuration names, ``groundup_states.py`` in root. Of two that replace the same
state, the later one stands in front.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from types import MappingProxyType, ModuleType
from typing import TypeAlias

from groundup.config import Config
from groundup.config.neo import check_neo, state_modules, state_params
from groundup.dag import AnyState, State, StateGraph
from groundup.dag.params.source import ParamSource
from groundup.states import builtin_modules
from groundup.states.entry_points import EntryPoint, entry_points
from groundup.states.importing import FILE, FILE_MODULE, import_file, import_module
from groundup.states.origin import Kind, Origin

Given: TypeAlias = tuple[Origin, ModuleType]
_Key: TypeAlias = tuple[str, int]


class LoadedGraph(StateGraph):
    """A graph that knows what brought each of its states into it."""

    def __init__(
        self, states: Iterable[AnyState], origins: Mapping[_Key, Origin] = MappingProxyType({})
    ) -> None:
        super().__init__(states)
        self._origins = origins

    @classmethod
    def from_origins(cls, given: Iterable[Given]) -> LoadedGraph:
        """Return the graph of all states that are attributes of modules; the first module counts."""
        states: dict[AnyState, None] = {}
        origins: dict[_Key, Origin] = {}
        for origin, module in given:
            for value in vars(module).values():
                if isinstance(value, State) and value not in states:
                    states[value] = None
                    origins[_key(value)] = origin
        return cls(states, origins)

    def origin(self, state: AnyState) -> Origin:
        """Return what brought a state, or one that it replaces, into this graph."""
        return self._origins[_key(state)]


def _key(state: AnyState) -> _Key:
    """Return what a state keeps where a graph names it anew, because it is replaced."""
    return state.name.partition(".")[0], id(state.function)


def load_graph(config: Config) -> LoadedGraph:
    """Return the graph of the repository that `config` describes.

    :raises UserError: the table ``[tool.groundup.neo]`` is wrong, or a module cannot be imported.
    :raises DagError: the states form no graph.
    """
    check_neo(config)
    return LoadedGraph.from_origins(_given(config))


def load_params(config: Config, settings: Sequence[str] = ()) -> ParamSource:
    """Return the parameters of states: those of the configuration, and over them `settings`.

    :param settings: each ``state.key=value``.
    :raises ParamsError: a setting has another form.
    """

    def place(path: tuple[str | int, ...]) -> str:
        return config.place("neo", "params", *path)

    return ParamSource.from_settings(settings).over(ParamSource(state_params(config), place))


def _given(config: Config) -> Iterator[Given]:
    files = set()
    for module in builtin_modules():
        yield Origin(Kind.BUILT_IN, module.__name__, partial(str, module.__file__)), module
    for origin in (*_from_environment(), *_from_configuration(config)):
        module = import_module(origin, config.root)
        files.add(os.path.realpath(module.__file__ or ""))
        yield origin, module
    path = config.root / FILE
    if path.is_file() and os.path.realpath(path) not in files:
        origin = Origin(Kind.FILE, FILE_MODULE, partial(str, path))
        yield origin, import_file(origin, path)


def _from_environment() -> Iterator[Origin]:
    for found in entry_points():
        yield Origin(Kind.ENTRY_POINT, found.value, partial(EntryPoint.__str__, found))


def _from_configuration(config: Config) -> Iterator[Origin]:
    for name in state_modules(config):
        yield Origin(Kind.CONFIGURATION, name, cache(partial(config.place, "neo", "states", item=name)))
