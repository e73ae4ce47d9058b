"""The same work for each tool: as many, with the same parents, and a file each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.dag.loading import load_module, load_states
from tests.benchmarks.dag.sources import CHAIN, WIDE, Shape, write_work

SHAPES = {
    Shape(WIDE, 5): {"s0": [], "s1": ["s0"], "s2": ["s0"], "s3": ["s0"], "s4": ["s0", "s1", "s2", "s3"]},
    Shape(CHAIN, 4): {"s0": [], "s1": ["s0"], "s2": ["s1"], "s3": ["s2"]},
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_states_and_tasks_have_the_parents_of_the_shape(shape: Shape, tmp_path: Path) -> None:
    folder = write_work(tmp_path / "work", shape)
    states = load_states(folder / "states.py")
    tasks = list(load_module(folder / "dodo.py").task_all())
    assert {state.name: list(state.parents) for state in states} == SHAPES[shape]
    assert {task["basename"]: task["task_dep"] for task in tasks} == SHAPES[shape]
    assert [state.inputs for state in states] == [tuple(task["file_dep"]) for task in tasks]
    assert all((folder / path).is_file() for state in states for path in state.inputs)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_same_without_files(shape: Shape, tmp_path: Path) -> None:
    folder = write_work(tmp_path / "work", shape, tracked=False)
    states = load_states(folder / "states.py")
    tasks = list(load_module(folder / "dodo.py").task_all())
    assert {task["basename"]: task["task_dep"] for task in tasks} == SHAPES[shape]
    assert not any(state.is_tracked for state in states)
    assert not any(task["file_dep"] for task in tasks)
    assert "path: Path" not in (folder / "task_work.py").read_text()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_states_give_is_known(shape: Shape, tmp_path: Path) -> None:
    folder = write_work(tmp_path / "work", shape)
    given = {state.name: state.function(*state.arguments) for state in load_states(folder / "states.py")}
    assert given == shape.values()
