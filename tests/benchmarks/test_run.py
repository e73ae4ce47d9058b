"""The command `bench`: its list, its table, its JSON, its exit codes. No figure is judged here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")
FIGURES = {
    "warm run / two interpreter starts": ("x", 1.45),
    "warm run / uv run": ("x", 1.15),
    "start_app with .pyc / two starts": ("x", 1.3),
    "start_app without .pyc / two starts": ("x", 1.55),
    "peak memory before exec / bare python": ("x", 1.3),
    "cold boot - uv sync": ("bare starts", 7),
}


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", str(RUN), *arguments], capture_output=True, text=True, check=False, cwd="/"
    )


@pytest.fixture(scope="module")
def measured() -> subprocess.CompletedProcess[str]:
    return bench("kernel", "--json", "--rounds", "2")


def test_without_a_suite_it_lists_what_there_is() -> None:
    done = bench()
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["dag", "execution", "kernel", "nodes"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "invalid choice: 'nothing'"),
        (["kernel", "--rounds", "0"], "error: --rounds 0: at least one round is needed"),
        (["kernel", "--python", "/nowhere/python"], "error: --python /nowhere/python: there is no such"),
    ],
)
def test_what_cannot_be_meant_is_bad_usage(arguments: list[str], said: str) -> None:
    done = bench(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_kernel_is_measured_against_every_target(measured: subprocess.CompletedProcess[str]) -> None:
    assert measured.returncode == 0, measured.stderr
    figures = json.loads(measured.stdout)["figures"]
    assert {figure["name"]: (figure["unit"], figure["target"]) for figure in figures} == FIGURES
    for figure in figures:
        assert figure["min"] <= figure["median"] <= figure["max"]
        assert figure["noise"] >= 0
        assert figure["ok"] == (figure["median"] <= figure["target"])
        assert all(value > 0 for value in figure["of"].values())


def test_the_output_names_what_was_measured_on(measured: subprocess.CompletedProcess[str]) -> None:
    report = json.loads(measured.stdout)
    assert (report["suite"], report["rounds"]) == ("kernel", 2)
    assert report["conditions"]["on"].startswith("CPython 3.")
    assert ".pth hooks" in report["conditions"]["on"]
    assert report["ok"] == all(figure["ok"] for figure in report["figures"])
    assert os.sep not in json.dumps(report["conditions"])


def test_progress_goes_to_stderr(measured: subprocess.CompletedProcess[str]) -> None:
    assert "bench: cold boot, 2 rounds" in measured.stderr.splitlines()
