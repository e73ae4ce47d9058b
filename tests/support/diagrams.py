"""Strict readers of that part of DOT and Mermaid in which graphs are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

QUOTED = r'"(?:[^"\\]|\\.)*"'
DOT_LINES = {
    "node": re.compile(rf"    ({QUOTED})(?: \[style=(rounded)\])?;", re.DOTALL),
    "edge": re.compile(rf"    ({QUOTED}) -> ({QUOTED})(?: \[style=dashed, label=(\w+)\])?;", re.DOTALL),
}
MERMAID_LINES = {
    "node": re.compile(r'    (s\d+)(?:\["([^"]*)"\]|\("([^"]*)"\))'),
    "edge": re.compile(r"    (s\d+) (?:-->|-\. (\w+) \.->) (s\d+)"),
}
Edge = tuple[str, str, str]
Drawn = tuple[dict[str, bool], list[Edge]]
Read = Callable[[Iterator[str]], Drawn]


def read_dot(lines: Iterator[str]) -> Drawn:
    """Return each node with whether it is round, and each edge with its label."""
    head, *body, end = lines
    assert (head, end) == ("digraph states {", "}")
    assert body[:2] == ["    rankdir=LR;", "    node [shape=box];"]
    nodes: dict[str, bool] = {}
    edges: list[Edge] = []
    for line in body[2:]:
        node, edge = DOT_LINES["node"].fullmatch(line), DOT_LINES["edge"].fullmatch(line)
        assert (node is None) != (edge is None), line
        if node:
            assert unquoted(node[1]) not in nodes
            nodes[unquoted(node[1])] = node[2] is not None
        if edge:
            edges.append((unquoted(edge[1]), unquoted(edge[2]), edge[3] or ""))
    return nodes, edges


def unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def read_mermaid(lines: Iterator[str]) -> Drawn:
    head, *body = lines
    assert head == "flowchart LR"
    names: dict[str, str] = {}
    nodes: dict[str, bool] = {}
    edges: list[Edge] = []
    for line in body:
        node, edge = MERMAID_LINES["node"].fullmatch(line), MERMAID_LINES["edge"].fullmatch(line)
        assert (node is None) != (edge is None), line
        if node:
            name = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), node[2] or node[3] or "")
            assert node[1] not in names
            assert name not in nodes
            names[node[1]] = name
            nodes[name] = node[3] is not None
        if edge:
            edges.append((names[edge[1]], names[edge[3]], edge[2] or ""))
    return nodes, edges
