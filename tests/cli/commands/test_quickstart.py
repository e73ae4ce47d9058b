"""`groundup quickstart`, from the kernel to the last line."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.support.background import Background, start_kernel, until
from tests.support.neo import Neo
from tests.support.process import run_kernel

CHAIN = ["config", "ready", "quickstart_project", "quickstart_run", "quickstart_manager", "quickstart_flow"]
CHAIN += ["quickstart"]


def test_through_the_kernel_it_ends_in_a_tree_and_success(neo: Neo) -> None:
    done = run_kernel(neo.repo, "quickstart", env=neo.env, check=True)
    lines = done.stdout.splitlines()
    states = [found[1] for line in lines if (found := re.search(r"✓ (\w+)  \d+\.\d\d s", line))]
    assert states == CHAIN
    assert [line for line in lines if re.search(r"│  Python 3\.\S+ on ", line)]
    assert re.fullmatch(r"SUCCESS: quickstart in \d+\.\d\d s", lines[-1])
    assert "error" not in done.stderr


def test_the_console_script_does_the_same(neo: Neo) -> None:
    done = neo.run(neo.script("quickstart"), cwd=neo.repo / "docs", check=True)
    assert done.stdout.splitlines()[-1].startswith("SUCCESS: quickstart")


def test_it_gives_data_for_machines(neo: Neo) -> None:
    data = json.loads(neo.run(neo.module("quickstart", "--json"), check=True).stdout)
    assert (data["status"], data["targets"]) == ("SUCCESS", ["quickstart"])
    assert [state["name"] for state in data["states"]] == CHAIN
    assert {state["status"] for state in data["states"]} == {"ok"}
    assert all(state["seconds"] >= 0 and state["error"] is None for state in data["states"])
    assert data["states"][3]["output"].startswith("Python 3.")


@pytest.fixture
def unreachable(tmp_path: Path) -> dict[str, str | None]:
    """Variables of a user without projects, whose index nobody serves."""
    return {
        "GROUNDUP_HOME": str(tmp_path / "home"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple/",
        "UV_HTTP_RETRIES": "0",
        "UV_OFFLINE": "1",
    }


def test_a_failure_is_told_with_state_and_hint(neo: Neo, unreachable: dict[str, str | None]) -> None:
    variables = {**unreachable, "PATH": f"{fetched_uv(neo).parent}:{neo.env['PATH']}"}
    done = neo.run(neo.module("quickstart"), variables=variables)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert re.search(r"✗ quickstart_project  \d+\.\d\d s", done.stdout)
    stopped = ", ".join(CHAIN[3:])
    assert f"  not run because of it: {stopped}" in lines
    assert "ok 2 · changed 0 · skipped 0 · failed 1 · not run 4" in lines
    assert lines[-1].startswith("FAILURE: quickstart in ")
    assert re.search(r"(?m)^error: state quickstart_project \(.*quickstart\.py:\d+\) failed: ", done.stderr)
    assert re.search(r"(?m)^hint: ", done.stderr)
    assert "Traceback" not in done.stderr


def test_a_failure_is_data_for_machines_too(neo: Neo, unreachable: dict[str, str | None]) -> None:
    variables = {**unreachable, "PATH": f"{fetched_uv(neo).parent}:{neo.env['PATH']}"}
    done = neo.run(neo.module("quickstart", "--json"), variables=variables)
    data = json.loads(done.stdout)
    assert (done.returncode, data["status"]) == (1, "FAILURE")
    assert [state["status"] for state in data["states"]] == ["ok", "ok", "failed", *["not run"] * 4]
    assert data["states"][2]["error"]


def fetched_uv(neo: Neo) -> Path:
    """Return the uv that the kernel fetched for this user."""
    return next(path for path in Path(neo.env["GROUNDUP_HOME"]).rglob("uv") if path.is_file())


def test_an_interrupt_exits_130_and_the_next_run_continues(neo: Neo, tmp_path: Path) -> None:
    env = {**neo.env, "GROUNDUP_HOME": str(tmp_path / "home")}
    uv = {"PATH": f"{fetched_uv(neo).parent}:{neo.env['PATH']}"}
    with start_kernel(neo.repo, "quickstart", env={**env, **uv}) as process:
        until((tmp_path / "home/projects").exists, "the beginning of a project")
        process.send_to_group(signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.endswith("error: interrupted\nhint: run the same command again: it continues\n")
        assert "Traceback" not in process.stderr
    done = run_kernel(neo.repo, "quickstart", env={**env, **uv}, check=True)
    assert done.stdout.splitlines()[-1].startswith("SUCCESS")


def test_several_at_once_all_succeed(neo: Neo) -> None:
    command = neo.module("quickstart")
    with (
        Background(command, env=neo.env, cwd=neo.repo) as first,
        Background(command, env=neo.env, cwd=neo.repo) as second,
        Background(command, env=neo.env, cwd=neo.repo) as third,
    ):
        for process in (first, second, third):
            assert process.wait(120) == 0, process.stderr
            assert process.stdout.splitlines()[-1].startswith("SUCCESS")
