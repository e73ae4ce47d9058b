"""A state manager of another make: it answers as the protocol says, without groundup's extensions."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import trustme

from tests.support.server import LoopbackServer, QuietHandler

Fault = Callable[["_Handler"], None]
"""Something that happens instead of an answer, after the request was carried out."""


@dataclass
class ForeignManager(LoopbackServer):
    """Hands out `waiting` node states once each, and records what it is told.

    `faults` maps the last part of a path to what happens instead of the answers, one after the other;
    `calls` counts requests by that part, `outcomes` lists what was reported, `checks` says how often a saved
    flow is read as PENDING before it is valid, `runs` has the answers about runs by id.
    """

    waiting: list[dict[str, Any]] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    outcomes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    checks: int = 0
    verdict: str = "VALID"
    runs: dict[str, Any] = field(default_factory=dict)
    authority: trustme.CA | None = None
    host: str = "127.0.0.1"
    lock: threading.Lock = field(default_factory=threading.Lock)

    handler = property(lambda self: type("BoundHandler", (_Handler,), {"manager": self}))

    def queue(self, node: str, **inputs: str) -> str:
        """Make a node state wait; gives its id."""
        state_id = f"{len(self.waiting) + self.calls['executed']:024x}"
        self.waiting.append({"state_id": state_id, "node_name": node, "identifier": "a", "inputs": inputs})
        return state_id


def drop(handler: _Handler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def answer(status: int, body: bytes) -> Fault:
    """Answer something else."""
    return lambda handler: handler.respond(status, body)


class _Handler(QuietHandler, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    manager: ForeignManager

    def do_PUT(self) -> None:
        """Registration, saving of flows."""
        self._handle()

    def do_POST(self) -> None:
        """Everything about node states."""
        self._handle()

    def do_GET(self) -> None:
        """Reading of flows, secrets."""
        self._handle()

    def respond(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _handle(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"null")
        parts = self.path.strip("/").split("/")
        kind = "graph" if parts[-2] == "graph" else parts[-1]
        with self.manager.lock:
            self.manager.calls[kind] += 1
            status, answered = self._carry_out(kind, parts, body)
            faults = self.manager.faults.get(kind, [])
            fault = faults.pop(0) if faults else None
        if fault is not None:
            fault(self)
        else:
            self.respond(status, json.dumps(answered).encode())

    def _carry_out(self, kind: str, parts: list[str], body: Any) -> tuple[int, Any]:
        manager = self.manager
        if parts[-1] == "graph" and parts[-2] in manager.runs:
            return 200, manager.runs[parts[-2]]
        match kind:
            case "nodes":
                return 200, {"runtime_name": body["runtime_name"], "registered_nodes": body["nodes"]}
            case "enqueue":
                states = manager.waiting[: body["batch_size"]]
                del manager.waiting[: body["batch_size"]]
                return 200, {"count": len(states), "namespace": "demo", "status": "QUEUED", "states": states}
            case "manual-retry":
                return 200, {"id": f"again-{parts[-2]}", "status": "CREATED"}
            case "graph":
                manager.checks -= 1
                verdict = "PENDING" if manager.checks >= 0 else manager.verdict
                return (201 if body else 200), {"validation_status": verdict, "validation_errors": ["why"]}
        if any(state_id == parts[-2] for state_id, _ in manager.outcomes):
            return 400, {"detail": "State is not queued"}
        manager.outcomes.append((parts[-2], {kind: body}))
        return 200, {"status": kind.upper()}
