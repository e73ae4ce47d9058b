"""Nodes that are scripts, projects and steps, with dependencies of their own."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from groundup.manager import EmbeddedManager
from groundup.nodes import BaseNode, StateManager
from groundup.nodes.run_nodes import ProjectNode, RunFailedError, RunNode, ScriptNode
from groundup.nodes.step_node import StepNode
from groundup.nodes.testing import arun_node, run_node
from groundup.projects import create_project
from tests.support.background import until as soon
from tests.support.holding import HOLD, is_held, is_there
from tests.support.languages import write_step
from tests.support.requirements import require
from tests.support.users import User, requiring, small_index, user, uv, wheels
from tests.support.workers import running, runtime, statuses, step, until

__all__ = ["small_index", "user", "uv", "wheels"]

DOUBLE = "import json, sys\nnumbers = json.load(sys.stdin)['numbers']\n"


class Numbers(BaseModel):
    numbers: list[int]


class Total(BaseModel):
    total: int


def scripted(source: str | bytes | Path, base: type[RunNode] = ScriptNode, **more: Any) -> type[RunNode]:
    """A node of a script, given as source unless it is a path."""
    script = source.encode() if isinstance(source, str) else source
    return type("Scripted", (base,), {"script": script, **more})


def test_a_script_gets_its_inputs_on_stdin_and_gives_its_outputs_as_json(user: User) -> None:
    source = DOUBLE + "json.dump({'total': sum(numbers)}, sys.stdout)\n"
    node = scripted(source, Inputs=Numbers, Outputs=Total)
    assert run_node(node, {"numbers": [1, 2, 3]}) == [Total(total=6)]


def test_a_list_on_stdout_fans_out_and_nothing_is_no_output(user: User) -> None:
    source = DOUBLE + "if numbers: json.dump([{'total': n} for n in numbers], sys.stdout)\n"
    node = scripted(source, Inputs=Numbers, Outputs=Total)
    assert run_node(node, {"numbers": [1, 2]}) == [Total(total=1), Total(total=2)]
    assert run_node(node, {"numbers": []}) == []


def test_a_script_brings_its_own_dependencies(user: User) -> None:
    """Those of its block, and those of the class."""
    node = scripted(
        requiring("alpha==1.0") + "import alpha, gamma, sys\nprint(alpha.VERSION, *sys.argv[1:])\n",
        requirements=["gamma"],
        arguments=lambda _: ["--fast"],
    )
    (output,) = run_node(node)
    assert output.stdout == "1.0 --fast\n"


def test_a_file_is_looked_for_beside_the_class(user: User) -> None:
    path = user.script("print('from a file')\n")
    (output,) = run_node(scripted(path))
    assert output.stdout == "from a file\n"


def test_secrets_are_variables_and_what_is_written_to_stderr_is_logged(
    user: User, caplog: pytest.LogCaptureFixture
) -> None:
    class Keys(BaseModel):
        API_TOKEN: str

    source = "import os, sys\nprint(os.environ['API_TOKEN'])\nprint('one\\ntwo', end='', file=sys.stderr)\n"
    caplog.set_level(logging.INFO)
    (output,) = run_node(scripted(source, Secrets=Keys), secrets={"API_TOKEN": "s3"})
    assert output.stdout == "s3\n"
    told = [each.getMessage() for each in caplog.records if each.name == "groundup.nodes.node.Scripted"]
    assert told == ["attempt 1: one", "attempt 1: two"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise SystemExit('no luck')\n", "failed with exit code 1; its last words: no luck"),
        ("print('no json')\n", "what was written to stdout is no JSON: "),
        ('print(\'{"total": "x"}\')\n', "1 validation error for Total\ntotal\n"),
        (requiring("nowhere==1"), "cannot run: "),
        ("import time\ntime.sleep(3600)\n", "did not end within "),
    ],
)
def test_failures_say_what_and_why(user: User, source: str, message: str) -> None:
    with pytest.raises(RunFailedError) as caught:
        run_node(scripted(source, Outputs=Total, timeout=5))
    assert message in str(caught.value)


def test_a_cancelled_node_kills_its_run(user: User, tmp_path: Path) -> None:
    async def main() -> None:
        held = tmp_path / "held"
        node = scripted(HOLD + "hold(sys.argv[1])\n", arguments=lambda _: [str(held)])
        task = asyncio.create_task(arun_node(node))
        await until(lambda: is_there(held) and is_held(held))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        soon(lambda: not is_held(held), "the script is gone")

    asyncio.run(main())


def test_a_project_node_runs_a_project(user: User) -> None:
    source = requiring("gamma") + DOUBLE + "import gamma\nprint(json.dumps({'total': len(numbers)}))\n"
    create_project(user.script(source), id="counting")
    node = type("Counting", (ProjectNode,), {"project": "counting", "Inputs": Numbers, "Outputs": Total})
    assert run_node(node, Numbers(numbers=[5, 5])) == [Total(total=2)]


def test_a_script_runs_in_a_sandbox(user: User) -> None:
    from groundup.execution.sandbox import SandboxError, SandboxExecutionRuntime

    try:
        SandboxExecutionRuntime()
    except SandboxError as error:
        require(False, f"what a sandbox needs: {error}")
    source = DOUBLE + "import os\nprint(json.dumps({'sum': sum(numbers), 'home': os.path.exists('HOME')}))\n"

    class Seen(BaseModel):
        sum: int
        home: bool

    source = source.replace("HOME", str(user.home))
    for isolate, sees_home in (("sandbox", False), (False, True)):
        node = scripted(source, isolate=isolate, Inputs=Numbers, Outputs=Seen)
        assert run_node(node, {"numbers": [20, 22]}) == [Seen(sum=42, home=sees_home)]


def test_a_runtime_is_made_once_for_all_that_ask_for_the_same() -> None:
    first, second = scripted("print()"), scripted("print(1)")
    assert first.runtime() is second.runtime()


def test_a_step_node_runs_a_step_in_its_language(user: User) -> None:
    folder = user.home / "step"
    path = write_step(
        folder,
        language="python3",
        parameters={"file": "main.py", "function": "main"},
        inputs={"numbers": {"type": "json"}},
        outputs={"total": "json"},
    )
    (folder / "main.py").write_text(
        "import os\ndef main(numbers): return sum(numbers) + int(os.environ['MORE'])\n"
    )

    class More(BaseModel):
        MORE: str

    parts = {"step": path, "Inputs": Numbers, "Outputs": Total, "Secrets": More}
    node = type("Adding", (StepNode,), parts)
    assert run_node(node, {"numbers": [1, 2]}, {"MORE": "10"}) == [Total(total=13)]
    (folder / "main.py").write_text("def main(numbers): raise ValueError('broken')\n")
    with pytest.raises(RunFailedError, match="step step: "):
        run_node(node, {"numbers": [1, 2]}, {"MORE": "10"})


@pytest.mark.parametrize(
    ("base", "parts", "message"),
    [
        (ScriptNode, {}, "Wrong has no script"),
        (ScriptNode, {"script": "nowhere.py"}, "Wrong: there is no script "),
        (ProjectNode, {}, "Wrong has no project"),
        (StepNode, {}, "Wrong has no step"),
        (ScriptNode, {"script": b"x", "isolate": "sandbx"}, "Wrong: isolate='sandbx' is none of False"),
        (StepNode, {"step": "nowhere.yaml"}, "Wrong: there is no step "),
    ],
)
def test_what_is_not_there_is_told_before_anything_is_registered(
    base: type[BaseNode], parts: dict[str, Any], message: str
) -> None:
    wrong = type("Wrong", (base,), {**parts, "__module__": __name__})
    with pytest.raises(ValueError, match=message):
        runtime([wrong], "http://x", "k")


def test_a_flow_of_a_script(user: User, manager: EmbeddedManager) -> None:
    node = scripted(DOUBLE + "print(json.dumps({'total': sum(numbers)}))\n", Inputs=Numbers, Outputs=Total)

    async def main() -> None:
        client = StateManager("demo", manager.uri, manager.key)
        async with running(runtime([node], manager.uri, manager.key)), client:
            steps = [
                step(node, "first", "second", inputs={"numbers": "[1, 2]"}),
                step(node, "second", inputs={"numbers": "[${{ first.outputs.total }}, 4]"}),
            ]
            await client.upsert_graph("flow", steps, {})
            run_id = (await client.trigger("flow"))["run_id"]
            graph = await client.wait_for_run(run_id, timeout=60)
            last = await client.get_node("flow", run_id, graph.nodes[-1].id)
        assert statuses(graph) == [("first", "SUCCESS"), ("second", "SUCCESS")]
        assert last.outputs == {"total": "7"}

    asyncio.run(main())
