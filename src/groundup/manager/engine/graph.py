"""Shape of a flow: roots, order, ancestors, and what a join waits for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from groundup.nodes.wire import NodeTemplate


def successors(nodes: Iterable[NodeTemplate]) -> dict[str, list[str]]:
    """Identifier → identifiers of its next nodes."""
    return {node.identifier: list(node.next_nodes) for node in nodes}


def in_degrees(nodes: Sequence[NodeTemplate]) -> dict[str, int]:
    """How many nodes lead to each; uniting counts as one for the node that unites."""
    degrees = {node.identifier: int(node.unites is not None) for node in nodes}
    for node in nodes:
        for following in node.next_nodes:
            degrees[following] += 1
    return degrees


def roots(nodes: Sequence[NodeTemplate]) -> list[str]:
    """Identifiers that nothing leads to."""
    return [identifier for identifier, degree in in_degrees(nodes).items() if degree == 0]


def reachable(start: str, edges: dict[str, list[str]], blocked: Iterable[str] = ()) -> set[str]:
    """Everything that follows ``start``, itself included, without entering what is ``blocked``."""
    seen = {start}
    waiting = [start]
    closed = set(blocked)
    while waiting:
        for following in edges[waiting.pop()]:
            if following not in seen and following not in closed:
                seen.add(following)
                waiting.append(following)
    return seen


def topological_order(nodes: Sequence[NodeTemplate]) -> list[str]:
    """Identifiers, each after those that lead to it; nodes on and behind a cycle are left out."""
    edges = successors(nodes)
    degrees = dict.fromkeys(edges, 0)
    for identifier in chain.from_iterable(edges.values()):
        degrees[identifier] += 1
    ready = [identifier for identifier, degree in degrees.items() if degree == 0]
    for identifier in ready:
        for following in edges[identifier]:
            degrees[following] -= 1
            if degrees[following] == 0:
                ready.append(following)
    return ready


def readable(nodes: Sequence[NodeTemplate]) -> dict[str, set[str]]:
    """Identifier → identifiers whose outputs it may read.

    Those are all its ancestors; for a join only the united node and what that may read.
    """
    by_identifier = {node.identifier: node for node in nodes}
    found: dict[str, set[str]] = {identifier: set() for identifier in by_identifier}
    for identifier in topological_order(nodes):
        unites = by_identifier[identifier].unites
        if unites is not None:
            found[identifier] = found[unites.identifier] | {unites.identifier}
        for following in by_identifier[identifier].next_nodes:
            found[following] |= found[identifier] | {identifier}
    return found


def united(nodes: Sequence[NodeTemplate]) -> dict[str, frozenset[str]]:
    """Identifier → identifiers whose node states it unites; empty for what is no join."""
    return {
        node.identifier: frozenset()
        if node.unites is None
        else between(nodes, node.unites.identifier, joins_apart(nodes, node.identifier))
        | {node.unites.identifier}
        for node in nodes
    }


def joins_apart(nodes: Sequence[NodeTemplate], join: str) -> frozenset[str]:
    """``join`` itself and the other joins that do not lead to it: they would wait for each other."""
    edges = successors(nodes)
    uniting = [node.identifier for node in nodes if node.unites]
    return frozenset(other for other in uniting if other == join or join not in reachable(other, edges))


def between(nodes: Sequence[NodeTemplate], target: str, apart: frozenset[str]) -> frozenset[str]:
    """Identifiers that follow ``target`` on some way past all that is ``apart``."""
    return frozenset(reachable(target, successors(nodes), apart) - {target})
