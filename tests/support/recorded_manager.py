"""A state manager that answers as the protocol's own was seen to, over HTTP."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import trustme

from tests.support.recorded_flows import BrokenError, Kept, NodeState, RefusedError, now
from tests.support.server import LoopbackServer, QuietHandler

KEY = "recorded-key"
STATUSES = (
    *("CREATED", "QUEUED", "EXECUTED", "ERRORED"),
    *("NEXT_CREATED_ERROR", "SUCCESS", "PRUNED", "RETRY_CREATED"),
)
Answered = tuple[int, Any]


@dataclass
class RecordedManager(LoopbackServer):
    """Carries out what it is asked for; ``calls`` counts answers by the last part of the path and status."""

    kept: Kept = field(default_factory=Kept)
    calls: Counter[tuple[str, int]] = field(default_factory=Counter)
    failing: dict[str, int] = field(default_factory=dict)
    authority: trustme.CA | None = None
    host: str = "127.0.0.1"
    lock: threading.RLock = field(default_factory=threading.RLock)

    handler = property(lambda self: type("BoundHandler", (_Handler,), {"manager": self}))


class _Handler(QuietHandler, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    manager: RecordedManager

    def do_GET(self) -> None:
        """Reading."""
        self._handle()

    def do_PUT(self) -> None:
        """Registration, saving of flows."""
        self._handle()

    def do_POST(self) -> None:
        """Everything about node states."""
        self._handle()

    def _handle(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"null")
        parts = self.path.strip("/").split("/")
        with self.manager.lock:
            status, answered = self._answered(parts, body)
            self.manager.calls[parts[-1], status] += 1
            self._respond(status, answered)
            self.manager.kept.follow(self._done)

    def _respond(self, status: int, answered: Any) -> None:
        text = json.dumps(answered).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("x-exosphere-request-id", "9f1c0a52-7f0b-4ac0-9a37-2f6f3f1f2a11")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _answered(self, parts: list[str], body: Any) -> Answered:
        self._done: list[NodeState] = []
        if self.headers.get("x-api-key") != KEY:
            return 401, {"detail": "Invalid API key"}
        try:
            if self.manager.failing.get(parts[-1], 0) > 0:
                self.manager.failing[parts[-1]] -= 1
                raise BrokenError(parts[-1])
            if parts[:3] != ["v0", "namespace", "demo"]:
                return 404, {"detail": "Not Found"}
            return self._carried_out(parts[3:], body)
        except RefusedError as refusal:
            return refusal.status, refusal.body
        except BrokenError:
            return 500, {"success": False, "detail": "internal server error, please retry"}

    def _carried_out(self, parts: list[str], body: Any) -> Answered:
        kept = self.manager.kept
        match [self.command, *parts]:
            case ["PUT", "nodes"]:
                kept.nodes |= {node["name"]: node for node in body["nodes"]}
                return 200, {"runtime_name": body["runtime_name"], "registered_nodes": body["nodes"]}
            case ["PUT", "graph", name]:
                return 201, kept.save(name, body).answered()
            case ["GET", "graph", name]:
                flow = kept.flow(name, f"Graph template {name} not found in namespace demo")
                flow.reads -= 1
                return 200, flow.answered()
            case ["POST", "graph", name, "trigger"]:
                return 200, {"status": "CREATED", "run_id": kept.trigger(name, body)}
            case ["POST", "states", "enqueue"]:
                return 200, self._enqueued(body)
            case ["GET", "states", "run", run_id, "graph"]:
                return 200, self._picture(run_id)
            case ["GET", "graph", _, "run", _, "node", state_id]:
                return 200, self._details(kept.state(state_id))
            case [_, "state", state_id, action]:
                return self._about_state(state_id, action, body)
        return 404, {"detail": "Not Found"}

    def _enqueued(self, body: Any) -> Any:
        claimed = self.manager.kept.claim(body["nodes"], body["batch_size"])
        states = [
            {
                "state_id": state.id,
                "node_name": state.place["node_name"],
                "identifier": state.place["identifier"],
                "inputs": state.inputs,
                "created_at": "2026-11-21T01:49:58.918000",
            }
            for state in claimed
        ]
        return {"count": len(states), "namespace": "demo", "status": "QUEUED", "states": states}

    def _about_state(self, state_id: str, action: str, body: Any) -> Answered:
        kept = self.manager.kept
        if action == "secrets":
            if state_id not in kept.states:
                raise BrokenError(state_id)
            return 200, {"secrets": kept.states[state_id].flow.body["secrets"]}
        state = kept.state(state_id)
        match action:
            case "executed":
                self._done = kept.executed(state, body["outputs"])
                return 200, {"status": "EXECUTED"}
            case "errored":
                return 200, {"status": "ERRORED", "retry_created": kept.errored(state, body["error"])}
            case "prune" if state.status == "QUEUED":
                state.status = "PRUNED"
                return 200, {"enqueue_after": state.enqueue_after, "status": "PRUNED"}
            case "prune":
                raise RefusedError(400, "State is not queued")
            case "re-enqueue-after":  # whatever it is: nothing is checked
                state.status, state.enqueue_after = "CREATED", now() + body["enqueue_after"]
                return 200, {"enqueue_after": state.enqueue_after, "status": "CREATED"}
        return 404, {"detail": "Not Found"}

    def _picture(self, run_id: str) -> Any:
        states = [state for state in self.manager.kept.states.values() if state.run_id == run_id]
        nodes = [_shown(state) for state in states]
        return {
            "root_states": nodes[:1],
            "graph_name": states[0].flow.name if states else "",
            "nodes": nodes,
            "edges": [],
            "node_count": len(nodes),
            "edge_count": 0,
            "execution_summary": {name: sum(state.status == name for state in states) for name in STATUSES},
        }

    def _details(self, state: NodeState) -> Any:
        return {
            **_shown(state),
            "graph_name": state.flow.name,
            "run_id": state.run_id,
            "inputs": state.inputs,
            "outputs": state.outputs,
            "parents": state.parents,
            "created_at": "2026-11-21T01:49:58.918000",
            "updated_at": "2026-11-21T01:49:59.001000",
        }


def _shown(state: NodeState) -> dict[str, Any]:
    return {
        "id": state.id,
        "node_name": state.place["node_name"],
        "identifier": state.place["identifier"],
        "status": state.status,
        "error": state.error,
    }
