"""Conditions of ``if`` statements that are known before a script runs."""

from __future__ import annotations

import ast
import operator
import os
import sys
from collections.abc import Callable
from typing import Any

from groundup.projects.inference.standard import Version

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def known_value(test: ast.expr, version: Version) -> bool | None:
    """Return what a condition is on this platform with Python `version`; None when only a run tells.

    Known are ``TYPE_CHECKING``, comparisons of ``sys.version_info``, ``sys.platform`` and ``os.name``,
    constants, and ``not``, ``and``, ``or`` of these.
    """
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if dotted_name(test).rpartition(".")[2] == "TYPE_CHECKING":
        return False
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        value = known_value(test.operand, version)
        return None if value is None else not value
    if isinstance(test, ast.BoolOp):
        return _joined(test, version)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _compared(test, version)
    if isinstance(test, ast.Call):
        return _platform_prefix(test)
    return None


def dotted_name(node: ast.expr) -> str:
    """Return ``a.b.c`` of a name with attributes; empty for any other expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id])) if isinstance(node, ast.Name) else ""


def _joined(test: ast.BoolOp, version: Version) -> bool | None:
    values = [known_value(value, version) for value in test.values]
    decisive = isinstance(test.op, ast.Or)
    if decisive in values:
        return decisive
    return None if None in values else not decisive


def _compared(test: ast.Compare, version: Version) -> bool | None:
    compare = COMPARISONS.get(type(test.ops[0]))
    left = _known_operand(test.left, version)
    try:
        right = ast.literal_eval(test.comparators[0])
    except (ValueError, TypeError):
        return None
    if compare is None or left is None or type(left) is not type(right):
        return None
    if isinstance(left, tuple) and not (right and len(right) <= len(version)):
        return None  # more of the version than is known
    try:
        return compare(left, right)
    except TypeError:
        return None


def _known_operand(node: ast.expr, version: Version) -> Any:
    if isinstance(node, ast.Subscript):
        return _part_of_version(node, version)
    full = (*version, 0)  # longer than what it is compared with, as the real one
    known = {
        "sys.version_info": full,
        "version_info": full,
        "sys.version_info.major": version[0],
        "sys.version_info.minor": version[1],
        "sys.platform": sys.platform,
        "os.name": os.name,
    }
    return known.get(dotted_name(node))


def _part_of_version(node: ast.Subscript, version: Version) -> Any:
    """Return ``sys.version_info[0]``, ``[1]`` or ``[:2]``; None for other parts."""
    if dotted_name(node.value) not in ("sys.version_info", "version_info"):
        return None
    return {"0": version[0], "1": version[1], ":2": version}.get(ast.unparse(node.slice))


def _platform_prefix(test: ast.Call) -> bool | None:
    if dotted_name(test.func) != "sys.platform.startswith" or len(test.args) != 1:
        return None
    prefix = test.args[0]
    if isinstance(prefix, ast.Constant) and isinstance(prefix.value, str):
        return sys.platform.startswith(prefix.value)
    return None
