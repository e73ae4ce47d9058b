"""The suite of nodes: every figure is measured against its target. No figure is judged here."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks.test_run import bench

FIGURES = {
    "SQLite, batches of our worker": ("states/s", 5000),
    "SQLite, one call for each outcome": ("states/s", 1500),
    "SQLite, a loop alone": ("states/s", None),
    "SQLite, huey": ("states/s", None),
    "batches / SQLite, a loop alone": ("x", 0.2),
    "memory of the manager": ("MiB", None),
    "memory of the worker": ("MiB", None),
    "PostgreSQL, two managers": ("states/s", 3000),
    "PostgreSQL, a loop alone": ("states/s", None),
    "PostgreSQL, pgqueuer": ("states/s", None),
    "two managers / PostgreSQL, a loop alone": ("x", None),
    "trigger to done, one node": ("ms", 10),
    "trigger to done, a chain of 3": ("ms", 30),
    "idle worker": ("% of a core", 1),
    "idle manager": ("% of a core", None),
    "claims with 10,000 waiting / 10,000": ("x", 1.5),
}


@pytest.mark.slow
def test_nodes_are_measured_against_every_target() -> None:
    done = bench("nodes", "--json", "--rounds", "1", "--states", "1000")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {each["name"]: (each["unit"], each["target"]) for each in report["figures"]} == FIGURES
    assert all(each["min"] > 0 for each in report["figures"])
