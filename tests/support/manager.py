"""A state manager for tests: called directly under a clock of the test's own, or over real HTTP."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

from groundup.manager.api.app import create_app
from groundup.manager.operations import claims, flows, outcomes, reports
from groundup.manager.operations.context import Context, Session, Settings
from groundup.manager.secrets import SecretCipher, generate_key
from groundup.manager.server import ServerThread, address_of, listen
from groundup.manager.service import ManagerService
from groundup.manager.store.database import Database
from groundup.nodes.wire import (
    ClaimedState,
    EnqueueRequest,
    ErroredRequest,
    ExecutedRequest,
    ManualRetryRequest,
    NodeDetails,
    NodeRegistration,
    NodeTemplate,
    PruneRequest,
    ReEnqueueAfterRequest,
    RegisterNodesRequest,
    RunGraph,
    TriggerRequest,
    UpsertGraphRequest,
)

T = TypeVar("T")
P = ParamSpec("P")

NAMESPACE = "demo"
FLOW = "flow"


def text_schema(*fields: str) -> dict[str, Any]:
    """The JSON schema of a model with these text fields."""
    return {"type": "object", "properties": {field: {"type": "string"} for field in fields}}


def registration(name: str, *, inputs: str = "", outputs: str = "", secrets: str = "") -> NodeRegistration:
    """A node as a worker registers it; fields are separated by spaces."""
    return NodeRegistration(
        name=name,
        inputs_schema=text_schema(*inputs.split()),
        outputs_schema=text_schema(*outputs.split()),
        secrets=secrets.split(),
    )


def place(identifier: str, *following: str, node: str = "Node", **more: Any) -> NodeTemplate:
    """A node of a flow and what follows it; ``unites`` may be a target or a whole model."""
    unites = more.pop("unites", None)
    return NodeTemplate.model_validate(
        {
            "node_name": node,
            "namespace": NAMESPACE,
            "identifier": identifier,
            "inputs": {},
            "next_nodes": list(following),
            "unites": {"identifier": unites} if isinstance(unites, str) else unites,
            **more,
        }
    )


class Bench:
    """A manager on a real database, without HTTP; ``now`` is its clock in milliseconds."""

    def __init__(self, address: Path | str) -> None:
        self.now = 1_700_000_000_000
        self.context = Context(SecretCipher(generate_key()), clock=lambda: self.now, chance=lambda: 0.5)
        self.database = Database(address)
        self.run_id = ""

    def do(self, operation: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out one operation in a transaction of its own."""
        return self.database.write(
            lambda connection: operation(Session(connection, self.context, self.now), *args, **kwargs)
        ).result()

    def register(self, *nodes: NodeRegistration, namespace: str = NAMESPACE) -> None:
        """Register nodes; without any one called Node that has no fields."""
        request = RegisterNodesRequest(runtime_name="worker", nodes=list(nodes) or [registration("Node")])
        self.do(flows.register_nodes, namespace, request)

    def save(self, *nodes: NodeTemplate, **more: Any) -> list[str]:
        """Save the flow; gives its validation errors."""
        request = UpsertGraphRequest.model_validate({"secrets": {}, "nodes": list(nodes), **more})
        return self.do(flows.save_flow, NAMESPACE, FLOW, request).validation_errors

    def trigger(self, **request: Any) -> str:
        """Start a run and give its id."""
        return self.do(flows.trigger, NAMESPACE, FLOW, TriggerRequest(**request)).run_id

    def claim(
        self, *names: str, batch: int = 100, lease: int | None = None, namespace: str = NAMESPACE
    ) -> list[ClaimedState]:
        """Claim what is due for these nodes; without names for Node."""
        request = EnqueueRequest(nodes=list(names) or ["Node"], batch_size=batch, lease=lease)
        return self.do(claims.enqueue, namespace, request).states

    def executed(
        self, state_id: str, *outputs: Mapping[str, Any], namespace: str = NAMESPACE
    ) -> dict[str, Any]:
        """Report that a node ran."""
        request = ExecutedRequest(outputs=[dict(output) for output in outputs])
        return self.do(outcomes.executed, namespace, state_id, request)

    def errored(self, state_id: str, error: str = "broken") -> dict[str, Any]:
        """Report that a node failed."""
        return self.do(outcomes.errored, NAMESPACE, state_id, ErroredRequest(error=error))

    def pruned(self, state_id: str, **data: Any) -> dict[str, Any]:
        """Report that a node ended its branch."""
        return self.do(outcomes.pruned, NAMESPACE, state_id, PruneRequest(data=data))

    def requeued(self, state_id: str, delay: int) -> dict[str, Any]:
        """Report that a node wants to run again after ``delay`` milliseconds."""
        request = ReEnqueueAfterRequest(enqueue_after=delay)
        return self.do(outcomes.requeued, NAMESPACE, state_id, request)

    def retried(self, state_id: str, token: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        """Retry a node state by hand."""
        return self.do(outcomes.manual_retry, namespace, state_id, ManualRetryRequest(fanout_id=token))

    def secrets(self, state_id: str, namespace: str = NAMESPACE) -> dict[str, str]:
        """The secrets that a node gets."""
        return self.do(outcomes.secrets_of, namespace, state_id)

    def details(self, run_id: str, node_id: str) -> NodeDetails:
        """Everything about one node state."""
        return self.do(reports.node_details, (NAMESPACE, FLOW), run_id, node_id)

    def graph(self, run_id: str) -> RunGraph:
        """What became of a run."""
        return self.do(reports.run_graph, NAMESPACE, run_id)

    def statuses(self, run_id: str) -> list[tuple[str, str]]:
        """Identifier and status of every node state of a run, in the order of their creation."""
        return [(node.identifier, node.status.value) for node in self.graph(run_id).nodes]

    def run_all(self, *names: str) -> int:
        """Execute everything that is due, without outputs, until nothing is left; gives how many."""
        count = 0
        while states := self.claim(*names):
            for state in states:
                self.executed(state.state_id)
                count += 1
        return count


@dataclass(frozen=True)
class Served:
    """A manager that answers over HTTP."""

    uri: str
    key: str


@contextmanager
def serving(database: Path | str, settings: Settings | None = None) -> Iterator[Served]:
    """A manager on a database of any kind, over HTTP on loopback, with a key of its own."""
    with ExitStack() as parts:
        opened = parts.enter_context(closing(Database(database)))
        service = ManagerService(opened, Context(SecretCipher(generate_key()), settings or Settings()))
        listener = parts.enter_context(closing(listen("127.0.0.1", 0)))
        server = ServerThread(create_app(service, "test-key"), service, listener)
        parts.callback(server.stop)
        server.start()
        yield Served(address_of(listener), "test-key")


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Api:
    """Calls a manager over HTTP as a client without any help would."""

    def __init__(self, uri: str, key: str | None) -> None:
        parts = urlsplit(uri)
        self._host, self._port = parts.hostname or "", parts.port
        self._key = key

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Make a call; ``body`` is sent as JSON unless it is bytes; underlines in header names are dashes."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        sent = {"x-api-key": self._key} if self._key is not None else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent["content-type"] = "application/json"
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, data, sent)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        answered = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, answered, json.loads(text) if text else None)


BASE = f"/v0/namespace/{NAMESPACE}"
V1 = f"/v1/namespace/{NAMESPACE}"
HELLO = {
    "name": "Hello",
    "inputs_schema": text_schema("name"),
    "outputs_schema": text_schema("greeting"),
    "secrets": [],
}


def register(uri: str, key: str, name: str = "Node") -> int:
    """Register a node over HTTP; gives the status of the answer."""
    body = {"runtime_name": "rt", "nodes": [registration(name).model_dump()]}
    return Api(uri, key)("PUT", f"{BASE}/nodes/", body).status


def hello(identifier: str = "h1", **more: Any) -> dict[str, Any]:
    """A place of the node Hello in a flow, as it travels."""
    return {
        "node_name": "Hello",
        "namespace": "demo",
        "identifier": identifier,
        "inputs": {"name": "bob"},
        **more,
    }


def claim(api: Api) -> dict[str, Any]:
    """Start a run and claim its node state."""
    api("POST", f"{BASE}/graph/hello/trigger", {})
    answer = api("POST", f"{BASE}/states/enqueue", {"nodes": ["Hello"], "batch_size": 1})
    state: dict[str, Any] = answer.body["states"][0]
    return state
