"""Which state stands where, when states replace others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from groundup.dag.errors import DuplicateStateError, InvalidStateError, UnknownStateError
from groundup.dag.state import AnyState, State

REPLACED = "replaced"


def in_place(states: Iterable[AnyState]) -> Iterator[AnyState]:
    """Yield the states of a graph: each newcomer in the place of what it replaces, where that one stood.

    Newcomers replace in the order in which they are given, so the last one stands in front.

    :raises DuplicateStateError: two states have one name, and the second does not replace the first.
    :raises UnknownStateError: there is nothing to be replaced.
    :raises InvalidStateError: something is no state, or a newcomer has a name of its own, or wants what it
        does not replace.
    """
    first: dict[str, AnyState] = {}
    newcomers = []
    for state in dict.fromkeys(map(_checked, states)):
        if state.replaces:
            newcomers.append(state)
        elif first.setdefault(state.name, state) is not state:
            raise DuplicateStateError(first[state.name], state)
    if not newcomers:
        yield from first.values()
        return
    stacks = {name: [state] for name, state in first.items()}
    for state in newcomers:
        if state.replaces not in stacks:
            raise UnknownStateError(state.replaces, stacks, wanted_by=state)
        stacks[state.replaces].append(state)
    for stack in stacks.values():
        yield from _named(stack)


def _checked(state: AnyState) -> AnyState:
    if not isinstance(state, State):
        raise InvalidStateError(f"{state!r} is no state", hint="give what @state made of a function")
    if state.replaces and state.name != state.replaces:
        raise InvalidStateError(
            f"{state.name} ({state.source}) cannot have a name of its own: it replaces {state.replaces}",
            hint="leave the name out of @state",
        )
    if not state.replaces and REPLACED in state.parents:
        raise InvalidStateError(
            f"{state.name} ({state.source}) wants {REPLACED}, but replaces no state",
            hint='say which: @state(replaces="…")',
        )
    return state


def _named(stack: list[AnyState]) -> Iterator[AnyState]:
    """Yield what is reached of one place: the newcomer, and under it what it wants of those before."""
    if len(stack) == 1:
        yield stack[0]
        return
    name = stack[0].name
    for position, state in reversed(list(enumerate(stack))):
        below = f"{name}.{REPLACED}"
        yield state.with_changes(
            name=name,
            arguments=tuple(
                each._replace(parent=below) if each.parent == REPLACED else each for each in state.arguments
            ),
            needs=tuple(below if need == REPLACED else need for need in state.needs),
            replaced=stack[position - 1] if position else None,
        )
        if REPLACED not in state.parents:
            return
        name = below
