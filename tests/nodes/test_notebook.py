"""A worker in a notebook: cells run one after the other in an event loop that is there before and after."""

from __future__ import annotations

import ast
import asyncio
import inspect
import signal
from typing import Any

from groundup.manager import EmbeddedManager

PREPARE = """
from pydantic import BaseModel
from groundup import BaseNode, GraphNodeModel, Runtime, StateManager, run_node

class Greet(BaseNode):
    class Inputs(BaseModel):
        name: str
    class Outputs(BaseModel):
        text: str
    async def execute(self):
        return self.Outputs(text=f"hello {self.inputs.name}")
"""
TRY = "print([output.text for output in run_node(Greet, {'name': 'cell'})])"
START = """
runtime = Runtime("demo", "notebook", [Greet], URI, KEY)
task = runtime.start()
await runtime.registered.wait()
"""
FLOW = """
client = StateManager("demo", URI, KEY)
flow = [GraphNodeModel(node_name="Greet", namespace="demo", identifier="a", inputs={"name": "you"})]
await client.upsert_graph("flow", flow, {})

async def run():
    run_id = (await client.trigger("flow"))["run_id"]
    graph = await client.wait_for_run(run_id, timeout=30)
    node = await client.get_node("flow", run_id, graph.nodes[0].id)
    print(node.status.value, node.outputs)
"""
CANCEL = """
import asyncio
task.cancel()
print(type((await asyncio.gather(task, return_exceptions=True))[0]).__name__)
"""
WAITING = """
started = asyncio.Event()

class Wait(BaseNode):
    async def execute(self):
        started.set()
        await asyncio.sleep(3600)

runtime = Runtime("demo", "notebook", [Wait], URI, KEY)
task = runtime.start()
await runtime.registered.wait()
await client.upsert_graph("waiting", [GraphNodeModel(node_name="Wait", namespace="demo", identifier="a")], {})
waiting = (await client.trigger("waiting"))["run_id"]
await started.wait()
"""
LOOK = "print((await client.get_run(waiting)).nodes[0].status.value)"


async def run_cells(*cells: str, **names: Any) -> None:
    """Run cells as notebooks do: each may await."""
    for number, cell in enumerate(cells, 1):
        code = compile(cell, f"<cell {number}>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        done = eval(code, names)  # noqa: S307 - what a cell is
        if inspect.iscoroutine(done):
            await done


def test_cells_try_start_use_change_and_stop_it(manager: EmbeddedManager, capsys: Any) -> None:
    changed = PREPARE.replace("hello", "goodbye")
    stopped = "runtime.stop()\nawait task"
    before = signal.getsignal(signal.SIGINT)
    cells = [PREPARE, TRY, START, FLOW, "await run()", CANCEL, changed, START, "await run()", stopped]
    asyncio.run(run_cells(*cells, URI=manager.uri, KEY=manager.key, __name__="__main__"))
    assert capsys.readouterr().out.splitlines() == [
        "['hello cell']",
        "SUCCESS {'text': 'hello you'}",
        "CancelledError",
        "SUCCESS {'text': 'goodbye you'}",
    ]
    assert signal.getsignal(signal.SIGINT) is before  # interrupting a cell is the notebook's own


def test_what_a_cancelled_worker_held_is_given_back_at_once(manager: EmbeddedManager, capsys: Any) -> None:
    """Not only when its lease has run out, and without an attempt."""
    cells = [PREPARE, START, FLOW, CANCEL, WAITING, LOOK, CANCEL, LOOK]
    asyncio.run(run_cells(*cells, URI=manager.uri, KEY=manager.key, __name__="__main__"))
    told = capsys.readouterr().out.splitlines()
    assert told[1:] == ["QUEUED", "CancelledError", "CREATED"]
