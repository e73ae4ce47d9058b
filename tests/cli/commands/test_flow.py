"""`groundup flow …`: flows of files, and their runs, at a real state manager."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from groundup.manager import EmbeddedManager
from groundup.nodes import BaseNode, Runtime
from groundup.nodes.background import PollingWorker
from tests.support.neo import Neo
from tests.support.repositories import write
from tests.support.terminal import Terminal

Flow = Callable[..., subprocess.CompletedProcess[str]]

FLOW = """
store_config = { default_values = { worst = 9 } }
retry_policy = { max_retries = 1, strategy = "FIXED", backoff_factor = 1 }
triggers = [{ expression = "@yearly", timezone = "Europe/Berlin" }]

[[nodes]]
node_name = "Count"
identifier = "count"
inputs = { to = 2 }
next_nodes = ["check"]

[[nodes]]
node_name = "Check"
identifier = "check"
inputs = { number = "${{ count.outputs.number }}", worst = "${{ store.worst }}" }
"""


class Number(BaseModel):
    number: int


class Count(BaseNode):
    class Inputs(BaseModel):
        to: int

    Outputs = Number
    inputs: Inputs

    def execute(self) -> list[Number]:
        return [Number(number=number) for number in range(self.inputs.to)]


class Check(BaseNode):
    class Inputs(BaseModel):
        number: int
        worst: int

    inputs: Inputs

    def execute(self) -> None:
        if self.inputs.number == self.inputs.worst:
            raise ValueError(f"{self.inputs.number} is the worst\nof all")


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedManager]:
    with EmbeddedManager(tmp_path_factory.mktemp("manager") / "manager.db") as served:
        yield served


@pytest.fixture(scope="module")
def flow(neo: Neo, manager: EmbeddedManager) -> Flow:
    """Runs `groundup flow` in the repository, against a configured manager."""
    variables = {"EXOSPHERE_STATE_MANAGER_URI": manager.uri, "EXOSPHERE_API_KEY": manager.key}

    def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return neo.run(neo.module("flow", *words), variables=variables, cwd=cwd)

    return run


@contextmanager
def polling(manager: EmbeddedManager) -> Iterator[None]:
    with PollingWorker(Runtime("shop", "worker", [Count, Check], manager.uri, manager.key)):
        yield


@pytest.fixture
def saved(flow: Flow, neo: Neo, manager: EmbeddedManager, tmp_path: Path) -> Iterator[str]:
    """A flow in the namespace shop whose nodes a worker polls for."""
    write(tmp_path, "count.toml", FLOW)
    with polling(manager):
        done = flow("apply", "--namespace", "shop", str(tmp_path))
        assert done.returncode == 0, done.stderr
        yield "count"


def data(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def shape(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The tree of a run without its id, branches of fan-outs in the order of their text."""
    head, *lines = done.stdout.splitlines()
    return [head.split()[-1], *lines]


def test_flows_are_applied_listed_shown_and_deleted(
    flow: Flow, manager: EmbeddedManager, tmp_path: Path
) -> None:
    write(tmp_path, "files/count.toml", FLOW)
    write(tmp_path, "files/deep/odd.yaml", "nodes: [{node_name: Gone, identifier: a}]")
    with polling(manager):
        mixed = flow("apply", "--namespace", "shop", "files", cwd=tmp_path)
    assert (mixed.returncode, mixed.stdout.splitlines()) == (
        1,
        [
            "✓ count (shop) created",
            f"✗ odd (shop) created: INVALID, by {tmp_path}/files/deep/odd.yaml",
            "    Node Gone in namespace shop does not exist.",
            "    Node Gone in namespace shop does not exist",
        ],
    )
    assert mixed.stderr.splitlines()[0] == "error: 1 of 2 flows cannot run"

    again = data(flow("apply", "--namespace", "shop", "--json", "files/count.toml", cwd=tmp_path))
    (applied,) = again["flows"]
    assert (applied["name"], applied["change"], applied["status"]) == ("count", "unchanged", "VALID")

    listed = data(flow("list", "--namespace", "shop", "--json"))
    assert [(each["name"], each["status"]) for each in listed] == [("count", "VALID"), ("odd", "INVALID")]
    assert flow("list", "--namespace", "shop").stdout.splitlines()[1].split()[:4] == [
        "count",
        "VALID",
        "2",
        "1",
    ]

    shown = flow("show", "--namespace", "shop", "count").stdout
    assert "  count (Count) → check\n" in shown and "store: worst=9\n" in shown
    assert "retries: 1, FIXED, 1 ms\n" in shown and "trigger: @yearly, next at " in shown
    described = data(flow("show", "--namespace", "shop", "--json", "count"))
    assert described["nodes"][0]["inputs"] == {"to": "2"}
    assert described["times"][0]["trigger"]["timezone"] == "Europe/Berlin"

    assert flow("delete", "--namespace", "shop", "count", "odd").stdout == "deleted count\ndeleted odd\n"
    assert flow("list", "--namespace", "shop").stdout == "there are no flows in shop\n"
    gone = flow("show", "--namespace", "shop", "count")
    assert gone.returncode == 1 and "Graph template count not found" in gone.stderr


def test_a_run_that_succeeds_is_waited_for(flow: Flow, saved: str) -> None:
    done = flow("trigger", "--namespace", "shop", saved, "--input", "to=1", "--wait")
    assert (done.returncode, shape(done)) == (0, ["SUCCESS", "└─ ✓ count SUCCESS", "   └─ ✓ check SUCCESS"])
    assert done.stderr.splitlines()[-1] == "2 SUCCESS"
    run_id = done.stdout.split()[1]
    ended = flow("cancel", "--namespace", "shop", run_id)
    assert ended.returncode == 1 and f"run {run_id} cannot be cancelled: Run has ended" in ended.stderr


def test_a_run_that_fails_is_shown_and_can_be_retried_in_parts(flow: Flow, saved: str) -> None:
    run_id = flow("trigger", "--namespace", "shop", saved, "--store", "worst=1").stdout.strip()
    done = flow("run", "--namespace", "shop", run_id, "--wait")
    assert (done.returncode, shape(done)) == (
        1,
        [
            "FAILED",
            "├─ ✓ count SUCCESS",
            "│  └─ ✓ check SUCCESS",
            "└─ ✓ count SUCCESS",
            "   ├─ ↻ check RETRY_CREATED: 1 is the worst",
            "   └─ ✗ check ERRORED, attempt 2: 1 is the worst",
        ],
    )
    assert flow("retry", "--namespace", "shop", run_id).stdout == f"retried {run_id}: 1 node states\n"
    described = data(flow("run", "--namespace", "shop", run_id, "--wait", "--json"))
    errors = [state["error"] for state in described["states"] if state["status"] == "ERRORED"]
    assert errors == ["1 is the worst\nof all"] and len(described["states"]) == 7
    (listed,) = data(flow("runs", "--namespace", "shop", "--status", "FAILED", "--limit", "1", "--json"))
    assert (listed["run_id"], listed["failed"], listed["total"]) == (run_id, 1, 7)
    assert run_id in flow("runs", "--namespace", "shop", saved).stdout


def test_a_run_that_waits_is_given_up_on_and_cancelled(flow: Flow, saved: str) -> None:
    late = flow("trigger", "--namespace", "shop", saved, "--delay", "3600", "--timeout", "0.1")
    assert late.returncode == 124 and "has not ended after 0.1 s: 1 CREATED" in late.stderr
    (run,) = data(flow("runs", "--namespace", "shop", "--status", "PENDING", "--json"))
    assert run["run_id"] in late.stderr
    cancelled = data(flow("cancel", "--namespace", "shop", "--json", run["run_id"]))
    assert cancelled == {"run_id": run["run_id"], "cancelled": 1}
    shown = flow("run", "--namespace", "shop", run["run_id"])
    assert shape(shown) == ["CANCELLED", "└─ ✗ count ERRORED: The run was cancelled"]


def test_what_only_the_manager_knows_of_a_file_is_told_with_line_and_key(flow: Flow, tmp_path: Path) -> None:
    write(tmp_path, "odd.toml", FLOW.replace("@yearly", "H * * * *"))
    done = flow("apply", "--namespace", "shop", "odd.toml", cwd=tmp_path)
    told = f"    {tmp_path}/odd.toml:3: triggers.0.expression: Invalid cron expression"
    assert (done.returncode, done.stdout.splitlines()[1:]) == (1, [told])


@pytest.fixture
def waiting(neo: Neo, manager: EmbeddedManager, saved: str) -> Iterator[Terminal]:
    """A terminal on which a run is waited for that does not begin yet."""
    command = neo.module("flow", "trigger", "--namespace", "shop", saved, "--delay", "3600", "--wait")
    env = {"EXOSPHERE_STATE_MANAGER_URI": manager.uri, "EXOSPHERE_API_KEY": manager.key}
    with Terminal(command, env={**neo.env, **env}, cwd=neo.repo) as terminal:
        terminal.read_until("1 CREATED")
        yield terminal


def test_a_run_that_is_waited_for_goes_on_when_that_is_interrupted(waiting: Terminal, saved: str) -> None:
    waiting.press("\x03")
    assert waiting.wait() == 130
    assert re.search(r"groundup flow run \S+ shows what becomes of it", waiting.shown)
    hint = f"hint: a run that has begun goes on: `groundup flow runs {saved}` lists it"
    assert hint in waiting.shown and "it continues" not in waiting.shown


def test_waiting_on_a_terminal_that_is_closed_ends_as_the_signal_says(waiting: Terminal) -> None:
    assert waiting.hang_up() == 129


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["trigger", "nothing"], 1, "flow nothing cannot be triggered: Graph template not found"),
        (["trigger", "x", "--input", "to"], 2, "--input 'to' is not NAME=VALUE"),
        (["trigger", "x", "--store", "a=1", "--store", "a=2"], 2, "--store 'a=2' is there already"),
        (["run", "nothing"], 1, "there is no run nothing"),
        (["delete", "nothing"], 1, "flow nothing cannot be deleted: Graph template nothing not found"),
        (["apply"], 2, "there are no flow files"),
        (["apply", "nothing.toml"], 2, "nothing.toml: No such file or directory"),
    ],
)
def test_what_cannot_be_is_one_clear_error(flow: Flow, words: list[str], code: int, told: str) -> None:
    done = flow(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr.splitlines()[0] and "Traceback" not in done.stderr


def test_without_a_configured_manager_the_repository_has_its_own(neo: Neo, tmp_path: Path) -> None:
    done = neo.run(neo.module("flow", "list", "--json"))
    assert (done.returncode, done.stdout) == (0, "[]\n")


def test_the_schema_is_printed_without_a_manager(neo: Neo) -> None:
    done = neo.run(
        neo.module("flow", "schema"), variables={"EXOSPHERE_STATE_MANAGER_URI": "http://127.0.0.1:9"}
    )
    assert json.loads(done.stdout)["title"] == "groundup flow"
