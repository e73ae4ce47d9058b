"""The suite of execution: every figure is measured against its target."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks.execution_containers import find_docker
from tests.benchmarks.test_run import bench
from tests.support.requirements import require

FIGURES = {
    "run_script warm - the interpreter alone": ("ms", 15),
    "run_script warm / uv run --script": ("x", 1),
    "run_project warm - the interpreter alone": ("ms", 8),
    "sandbox, run_script warm - bwrap alone": ("ms", 15),
    "create_project / uv init + uv add": ("x", 1.3),
    "plain pipe / 1 GB by iterator": ("x", 0.5),
    "plain pipe / 1 GB by callback": ("x", 0.5),
    "container, run_script / docker run": ("x", 1.15),
    "warm pool, run_script / docker exec": ("x", 1.2),
}


@pytest.mark.slow
def test_execution_is_measured_against_every_target() -> None:
    require(find_docker(), "Docker, its command and an image of Python")
    done = bench("execution", "--json", "--rounds", "1")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {each["name"]: (each["unit"], each["target"]) for each in report["figures"]} == FIGURES
    assert report["conditions"]["environment"].startswith("host:")
    for each in report["figures"]:
        assert all(value > 0 for value in each["of"].values())
