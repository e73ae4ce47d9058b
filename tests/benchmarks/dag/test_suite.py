"""`bench dag`: every target is measured, at sizes that take no time. No figure is judged here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN = Path(__file__).parents[1] / "run.py"
SHAPES = ("4 wide", "40 wide", "40 chain")
TARGETS = {
    **{f"in memory, {shape}, --jobs 1": ("us a state", 25, False) for shape in SHAPES},
    **{f"in memory, {shape}, default jobs": ("us a state", 60, False) for shape in SHAPES},
    **{f"on disk, {shape}, up to date, --jobs 1": ("us a state", 60, False) for shape in SHAPES},
    **{f"on disk, {shape}, up to date, default jobs": ("us a state", 60, False) for shape in SHAPES},
    "doit / groundup, in memory, 4 wide": ("x", 3, True),
    "pytask / groundup, in memory, 4 wide": ("x", 100, True),
    "pytask / groundup, on disk, 4 wide, up to date": ("x", 100, True),
    "warm boot with 20 states up to date - bare start": ("ms", 120, False),
}
WITHOUT_TARGET = (
    {
        "doit / groundup, on disk, 4 wide, cold": "x",
        "doit / groundup, on disk, 4 wide, up to date": "x",
        "pytask / groundup, on disk, 4 wide, cold": "x",
    }
    | {
        f"in memory, {shape}, {jobs} / {other}": "x"
        for shape in SHAPES
        for jobs in ("--jobs 1", "default jobs")
        for other in ("graphlib", "networkx")
    }
    | {
        f"memory, {shape}, {step}": "bytes a state"
        for shape in SHAPES
        for step in ("declared", "in a graph", "reached")
    }
)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-I", str(RUN), "dag", "--json", "--rounds", "1", "--states", "40"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_every_target_is_measured(report: dict[str, Any]) -> None:
    held = {each["name"]: each for each in report["figures"] if each["target"] is not None}
    assert {n: (f["unit"], f["target"], f["at_least"]) for n, f in held.items()} == TARGETS
    for figure in held.values():
        within = figure["median"] <= figure["target"]
        assert figure["ok"] == (not within if figure["at_least"] else within)
        assert figure["median"] > 0


def test_ratios_to_plain_loops_cold_runs_and_memory_are_reported(report: dict[str, Any]) -> None:
    free = {each["name"]: each["unit"] for each in report["figures"] if each["target"] is None}
    cold = {f"on disk, {s}, cold, {j}": "us a state" for s in SHAPES for j in ("--jobs 1", "default jobs")}
    assert free == WITHOUT_TARGET | cold
    bytes_held = [f["median"] for f in report["figures"] if f["unit"] == "bytes a state"]
    assert all(50 < each < 5000 for each in bytes_held)


def test_the_output_names_what_was_measured_on(report: dict[str, Any]) -> None:
    assert report["suite"] == "dag"
    assert set(report["conditions"]) == {"on", "boot on", "networkx", "doit", "pytask"}
    assert report["conditions"]["on"].endswith(f"{os.cpu_count()} cores")
    assert os.sep not in json.dumps(report["conditions"])
