"""A cancelled run ends its scripts, projects and steps within two seconds, with all that they started."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundup.execution.sandbox import SandboxError, SandboxExecutionRuntime
from groundup.manager import EmbeddedManager
from groundup.nodes import BaseNode, StateManager
from groundup.nodes.run_nodes import ProjectNode, ScriptNode
from groundup.nodes.runtimes import IsolatedNode
from groundup.nodes.step_node import StepNode
from groundup.projects import create_project
from tests.support.containers import TAG, connected, docker, owned, share_facts
from tests.support.holding import HOLD, is_held, is_there
from tests.support.languages import write_step
from tests.support.manager import Api
from tests.support.requirements import require
from tests.support.users import User, small_index, user, uv, wheels
from tests.support.workers import running, runtime, step, until

__all__ = ["docker", "small_index", "user", "uv", "wheels"]

SECONDS = 2.0
SILENT = HOLD + "child({other!r})\nwait_for({other!r})\nhold({held!r})\n"


def script_node(_folder: Path, source: str) -> type[BaseNode]:
    return type("Held", (ScriptNode,), {"script": source.encode()})


def project_node(folder: Path, source: str) -> type[BaseNode]:
    script = folder / "held.py"
    script.write_text(source)
    create_project(script, id="held")
    return type("Held", (ProjectNode,), {"project": "held"})


def step_node(folder: Path, source: str) -> type[BaseNode]:
    """It writes nothing, so nothing but its being stopped can end it."""
    path = write_step(
        folder / "step", language="python3", parameters={"file": "main.py", "function": "main"}, outputs={}
    )
    body = "".join(f"    {line}\n" for line in source.splitlines())
    (folder / "step/main.py").write_text(f"def main():\n{body}")
    return type("Held", (StepNode,), {"step": path})


async def cancelled(manager: EmbeddedManager, node: type[BaseNode], started: Any, ended: Any) -> float:
    """Run ``node`` until it has started, cancel the worker's execution, and give how long its end takes."""
    client = StateManager("demo", manager.uri, manager.key)
    api = Api(manager.uri, manager.key)
    async with running(runtime([node], manager.uri, manager.key, lease=1)), client:
        await client.upsert_graph("flow", [step(node, "a")], {})
        run_id = (await client.trigger("flow"))["run_id"]
        await until(started, 60)
        answer = await asyncio.to_thread(api, "POST", f"/v1/namespace/demo/runs/{run_id}/cancel")
        assert answer.body["cancelled"] == 1
        began = time.monotonic()
        await until(ended, 60)
        return time.monotonic() - began


@pytest.mark.parametrize("make", [script_node, project_node, step_node])
def test_nothing_of_it_is_left(user: User, manager: EmbeddedManager, tmp_path: Path, make: Any) -> None:
    """A lease is renewed at a third of it, so a third of a second until the worker knows is part of it."""
    held = tmp_path / "held", tmp_path / "other"
    node = make(tmp_path, SILENT.format(held=str(held[0]), other=str(held[1])))
    taken = asyncio.run(
        cancelled(
            manager,
            node,
            started=lambda: all(is_there(path) and is_held(path) for path in held),
            ended=lambda: not any(is_held(path) for path in held),
        )
    )
    assert taken < SECONDS


@pytest.fixture
def contained(user: User) -> Iterator[dict[str, Any]]:
    """Attributes of nodes whose runs are containers."""
    share_facts(user)
    connected("docker").close()
    settings = {"pull": "never", "inside_container": "isolate"}
    more = {"isolate": "container", "python_tag": TAG, "docker_config": settings}
    yield more
    kind: Any = type("Held", (IsolatedNode,), more)
    kind.runtime().close()


def test_a_container_is_gone(
    contained: dict[str, Any],
    docker: Any,
    manager: EmbeddedManager,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """On top of what the engine itself needs for a container, measured by one that has nothing to do."""
    caplog.set_level(logging.INFO)
    made = step_node(tmp_path, "import time\nprint('there', flush=True)\ntime.sleep(600)\n")
    node: Any = type("Held", (made,), contained)
    began = time.monotonic()
    node.runtime().run_script(b"pass")
    engine = time.monotonic() - began
    taken = asyncio.run(
        cancelled(
            manager,
            node,
            started=lambda: any(line.endswith("there") for line in caplog.messages),
            ended=lambda: not owned(docker),
        )
    )
    assert taken < SECONDS + engine


def test_a_sandbox_is_gone(
    user: User, manager: EmbeddedManager, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread that waits for it ends when all in it has."""
    try:
        SandboxExecutionRuntime()
    except SandboxError as error:
        require(False, f"what a sandbox needs: {error}")
    caplog.set_level(logging.INFO)
    made = step_node(tmp_path, "import time\nprint('there', flush=True)\ntime.sleep(600)\n")
    node = type("Held", (made,), {"isolate": "sandbox"})
    taken = asyncio.run(
        cancelled(
            manager,
            node,
            started=lambda: any(line.endswith("there") for line in caplog.messages),
            ended=lambda: "groundup-node" not in {thread.name for thread in threading.enumerate()},
        )
    )
    assert taken < SECONDS
