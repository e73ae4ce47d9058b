"""Flows of files, saved with a state manager: what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from groundup.errors import GroundupError
from groundup.nodes.client import StateManager
from groundup.nodes.client_extensions import GraphVerdict
from groundup.nodes.errors import GraphRefusedError
from groundup.nodes.flow_files import FlowInFile
from groundup.nodes.variables import variables
from groundup.nodes.wire import UpsertGraphRequest, ValidationStatus

if TYPE_CHECKING:
    from groundup.states.polling import ManagerAddress

Change = Literal["created", "updated", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class AppliedFlow:
    """What became of one flow.

    :ivar file: its file, relative to root where it is inside.
    :ivar change: what saving it did; "refused" where nothing was saved.
    :ivar errors: why it cannot run.
    """

    namespace: str
    name: str
    file: str
    change: Change
    errors: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it can run."""
        return not self.errors

    @property
    def status(self) -> str:
        """VALID, INVALID, or REFUSED where nothing was saved."""
        if self.change == "refused":
            return "REFUSED"
        return "VALID" if self.ok else "INVALID"

    def __str__(self) -> str:
        told = f"{self.name} of {self.namespace}: {self.change}, {self.status}"
        return "\n  ".join([told, *self.errors])


@dataclass(frozen=True, slots=True)
class AppliedFlows:
    """What became of flows, in the order of their files."""

    flows: tuple[AppliedFlow, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.flows)) or "there are no flow files"


class FlowsNotValidError(GroundupError):
    """Flows were refused, or cannot run as they were saved.

    :ivar applied: what became of all.
    """

    def __init__(self, applied: AppliedFlows) -> None:
        self.applied = applied
        wrong = [each for each in applied.flows if not each.ok]
        lines = [f"{each.file}: {error}" for each in wrong for error in each.errors]
        names = ", ".join(each.name for each in wrong)
        super().__init__(
            "\n".join([f"flows that cannot run: {names}", *lines]),
            hint="correct the flows, or register their nodes first",
        )


async def apply(
    flows: Sequence[FlowInFile], manager: ManagerAddress, root: Path, seconds: float
) -> AppliedFlows:
    """Save flows, one after the other, and return what became of them.

    :param seconds: how long each may be verified.
    :raises FlowFileError: a secret is in a variable that is not set; nothing was saved.
    :raises FlowsNotValidError: some cannot run; all were tried.
    """
    given = variables()
    requests = [flow.request(given) for flow in flows]
    done = []
    for flow, request in zip(flows, requests, strict=True):
        async with StateManager(flow.namespace, manager.uri, manager.key) as client:
            done.append(await _applied(flow, request, client, root, seconds))
    applied = AppliedFlows(tuple(done))
    if not all(each.ok for each in done):
        raise FlowsNotValidError(applied)
    return applied


async def _applied(
    flow: FlowInFile, request: UpsertGraphRequest, client: StateManager, root: Path, seconds: float
) -> AppliedFlow:
    file = flow.document.name.removeprefix(f"{root}/")
    before = await client.verdict(flow.name)
    try:
        saved = await client.save_graph(flow.name, request, seconds)
    except GraphRefusedError as error:
        messages = tuple(_in_file(message, flow, file) for message in error.messages)
        return AppliedFlow(flow.namespace, flow.name, file, "refused", messages)
    errors = saved.validation_errors if saved.validation_status is ValidationStatus.INVALID else ()
    return AppliedFlow(flow.namespace, flow.name, file, _change(before, saved), tuple(errors))


def _in_file(message: str, flow: FlowInFile, file: str) -> str:
    """A mistake that the manager names by its place in what it was sent, by that in the file."""
    place, _, text = message.partition(": ")
    first, *parts = place.split(".")
    if first != "body" or not parts:
        return message
    if parts[0] == "triggers" and parts[2:3] == ["value"]:
        del parts[2]  # triggers of files have no type
    line = flow.document.line(tuple(int(part) if part.isdigit() else part for part in parts))
    where = f"{file}:{line}" if line else file
    return f"{where}: {'.'.join(parts)}: {text.removeprefix('Value error, ')}"


def _change(before: GraphVerdict | None, saved: GraphVerdict) -> Change:
    if before is None:
        return "created"
    return "unchanged" if saved.updated_at and before.updated_at == saved.updated_at else "updated"
