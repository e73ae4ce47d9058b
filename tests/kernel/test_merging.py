"""How the configuration of an environment is laid over the repository's."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from groundup import proto_kernel

keys = st.sampled_from("abcd")
scalars = st.one_of(st.booleans(), st.integers(), st.text(max_size=5))
values = st.recursive(
    st.one_of(scalars, st.lists(scalars, max_size=3)),
    lambda inner: st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)
tables = st.dictionaries(keys, values, max_size=4)


def paths(table: dict[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each path to something that is no table, or to an empty table, and what stands there."""
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from paths(value, (*before, key))
        else:
            yield (*before, key), value


def at(table: Any, path: tuple[str, ...]) -> Any:
    """Return what stands at `path`; KeyError where nothing does."""
    for key in path:
        if not isinstance(table, dict):
            raise KeyError(path)
        table = table[key]
    return table


def has_way(table: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Whether `table` says anything that decides about `path`: a value on the way to it or below it."""
    here: Any = table
    for key in path:
        if not isinstance(here, dict):
            return True
        if key not in here:
            return False
        here = here[key]
    return True


@given(tables, tables)
def test_what_the_upper_table_says_holds(base: dict[str, Any], over: dict[str, Any]) -> None:
    merged = proto_kernel.merge(base, over)
    for path, value in paths(over):
        if value != {}:
            assert at(merged, path) == value


@given(tables, tables)
def test_what_the_upper_table_leaves_open_stays(base: dict[str, Any], over: dict[str, Any]) -> None:
    merged = proto_kernel.merge(base, over)
    for path, value in paths(base):
        if not has_way(over, path):
            assert at(merged, path) == value


@given(tables, tables)
def test_nothing_else_appears(base: dict[str, Any], over: dict[str, Any]) -> None:
    known = {path for table in (base, over) for path, _ in paths(table)}
    assert {path for path, _ in paths(proto_kernel.merge(base, over))} <= known


@given(tables)
def test_merging_with_nothing_or_itself_changes_nothing(table: dict[str, Any]) -> None:
    assert proto_kernel.merge(table, {}) == table
    assert proto_kernel.merge({}, table) == table
    assert proto_kernel.merge(table, table) == table


@given(tables, tables)
def test_what_is_merged_stays_as_it_was(base: dict[str, Any], over: dict[str, Any]) -> None:
    before = copy.deepcopy((base, over))
    proto_kernel.merge(base, over)
    assert (base, over) == before


@given(tables, tables)
def test_laying_a_table_over_twice_is_the_same_as_once(base: dict[str, Any], over: dict[str, Any]) -> None:
    once = proto_kernel.merge(base, over)
    assert proto_kernel.merge(once, over) == once


def test_lists_replace_and_tables_merge() -> None:
    base = {"auth": ["a", "b"], "commands": {"x": ["1"], "y": ["2"]}, "uv": {"version": "1"}}
    over = {"auth": ["c"], "commands": {"y": ["3"]}, "uv": {}}
    assert proto_kernel.merge(base, over) == {
        "auth": ["c"],
        "commands": {"x": ["1"], "y": ["3"]},
        "uv": {"version": "1"},
    }
