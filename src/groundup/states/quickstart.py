"""The quickstart: from a script to the result of a flow, each step a state.

A project is made from a script and run on the host. What it writes goes through a flow of two nodes: a state
manager on loopback keeps the flow, a worker in this process polls it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from groundup.config import Config
from groundup.dag import state
from groundup.errors import GroundupError, UserError

if TYPE_CHECKING:
    from groundup.execution import ExecutionResult
    from groundup.nodes import Runtime, StateManager
    from groundup.projects import Project

EXAMPLE = Path("docs/examples/quickstart/hello_project.py")
PROJECT = "groundup-quickstart"
NAME = "quickstart"  # of the worker runtime and of the flow
RUN_SECONDS = 60


class Made(NamedTuple):
    """A project, and whether this run made it."""

    project: Project
    is_new: bool

    def __str__(self) -> str:
        return f"{'made' if self.is_new else 'made before'}: {self.project.path}"


class Manager(NamedTuple):
    """A state manager that answers at `uri` to those who have `key`."""

    uri: str
    key: str

    def __str__(self) -> str:
        return self.uri


class FlowRun(NamedTuple):
    """A run that succeeded.

    :ivar executed: name and status of each of its node states.
    :ivar sentence: what its last node gave.
    """

    run_id: str
    executed: tuple[str, ...]
    sentence: str

    def __str__(self) -> str:
        return "\n".join([f"run {self.run_id}", *self.executed, self.sentence])


@state(needs=["ready"])
def quickstart_project(config: Config) -> Made:
    """A project with a locked environment of its own is made from the example script."""
    from groundup.projects import create_project

    script = config.root / EXAMPLE
    if not script.is_file():
        raise UserError(
            f"the example {script} is not there",
            hint="run quickstart in a clone of groundup's own repository",
        )
    known = _made_from(script)
    return Made(known, False) if known else Made(create_project(script, id=PROJECT, force=True), True)


@state
def quickstart_run(quickstart_project: Made) -> ExecutionResult:
    """The project is executed on the host."""
    from groundup.execution import create_execution_runtime

    return create_execution_runtime(isolate=False).run_project(quickstart_project.project.id)


@state(needs=["quickstart_run"])
def quickstart_manager(config: Config) -> Iterator[Manager]:
    """A state manager serves HTTP on loopback and keeps what happens in SQLite."""
    from filelock import FileLock

    from groundup.manager import EmbeddedManager

    config.data.mkdir(parents=True, exist_ok=True)
    with (
        FileLock(config.data / "quickstart.lock"),
        EmbeddedManager(config.data / "quickstart.db") as manager,
    ):
        yield Manager(manager.uri, manager.key)


@state
async def quickstart_flow(quickstart_manager: Manager, quickstart_run: ExecutionResult) -> FlowRun:
    """Two nodes are registered, a flow of them is triggered, and a worker polls until its run has ended."""
    from groundup.nodes import Runtime, StateManager
    from groundup.states.quickstart_nodes import FLOW, NAMESPACE, RETRIES, Measure, Tell

    at = (quickstart_manager.uri, quickstart_manager.key)
    async with (
        _working(Runtime(NAMESPACE, NAME, [Measure, Tell], *at)),
        StateManager(NAMESPACE, *at) as manager,
    ):
        await manager.upsert_graph(NAME, FLOW, secrets={}, retry_policy=RETRIES)
        triggered = await manager.trigger(NAME, inputs={"text": quickstart_run.stdout})
        return await _ended(manager, triggered["run_id"])


@state
def quickstart(quickstart_project: Made, quickstart_flow: FlowRun) -> str:
    """What a script wrote in an environment of its own went through a flow."""
    return f"project {quickstart_project.project.id} wrote {quickstart_flow.sentence}"


def _made_from(script: Path) -> Project | None:
    """Return the project that an earlier quickstart made from the same script, if it works."""
    from groundup.projects import list_projects

    for project in list_projects():
        same = project.id == PROJECT and project.script.read_bytes() == script.read_bytes()
        if same and project.environment.works():
            return project
    return None


@asynccontextmanager
async def _working(runtime: Runtime) -> AsyncIterator[None]:
    """Let `runtime` poll for the length of the block, which begins when its nodes are registered."""
    import asyncio

    polling = asyncio.create_task(runtime.run())
    registered = asyncio.create_task(runtime.registered.wait())
    try:
        await asyncio.wait([polling, registered], return_when=asyncio.FIRST_COMPLETED)
        if not polling.done():
            yield
    finally:
        registered.cancel()
        runtime.stop()
        await polling


async def _ended(manager: StateManager, run_id: str) -> FlowRun:
    run = await manager.wait_for_run(run_id, timeout=RUN_SECONDS, poll_interval=0.02)
    failed = [f"{node.identifier} {node.status.value}: {node.error}" for node in run.nodes if node.error]
    if failed:
        raise GroundupError(f"run {run_id} failed: {'; '.join(failed)}", hint="run quickstart again")
    told = next(node for node in run.nodes if node.identifier == "tell")
    outputs = (await manager.get_node(NAME, run_id, told.id)).outputs
    executed = tuple(f"{node.node_name} {node.status.value}" for node in run.nodes)
    return FlowRun(run_id, executed, outputs["sentence"])
