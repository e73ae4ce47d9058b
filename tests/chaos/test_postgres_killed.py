"""PostgreSQL and managers are killed while work goes on: nothing is lost, nothing happens twice."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from tests.support.background import until
from tests.support.manager import BASE, Answer, Api, place, registration
from tests.support.managers import API_KEY, ManagerProcess
from tests.support.postgres import PostgresServer

RUNS = 25
BRANCHES = 4
FLOW = [place("root", "work"), place("work", "join"), place("join", "last", unites="root"), place("last")]
RETRY = {"max_retries": 50, "strategy": "FIXED", "backoff_factor": 50}
EACH_RUN = Counter(root=BRANCHES, work=BRANCHES, join=1, last=1)


class Fleet:
    """Managers on one database, started again at the same place when one was killed."""

    def __init__(self, url: str, parts: ExitStack) -> None:
        self._url = url
        self._parts = parts
        self._managers = [self._start(0) for _ in range(2)]
        self._ports = [int(manager.uri.rpartition(":")[2]) for manager in self._managers]

    def kill(self, number: int) -> None:
        """Kill a manager and start it again."""
        self._managers[number].kill()
        self._managers[number].wait()
        self._managers[number] = self._start(self._ports[number])
        assert self._managers[number].uri

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Call any manager until one answers that it could do it, or that it never can."""
        for attempt in range(3000):
            api = Api(f"http://127.0.0.1:{self._ports[attempt % 2]}", API_KEY)
            try:
                answer = api(method, path, body)
            except (OSError, http.client.HTTPException):
                continue
            if answer.status < 500:
                return answer
        raise TimeoutError(path)

    def _start(self, port: int) -> ManagerProcess:
        return self._parts.enter_context(ManagerProcess(self._url, port=port))


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as made:
        yield made


def start_runs(fleet: Fleet) -> None:
    nodes = [registration("Node").model_dump()]
    fleet.call("PUT", f"{BASE}/nodes/", {"runtime_name": "rt", "nodes": nodes})
    body = {"secrets": {}, "nodes": [node.model_dump(mode="json") for node in FLOW], "retry_policy": RETRY}
    assert fleet.call("PUT", f"{BASE}/graph/g", body).body["validation_status"] == "VALID"
    for _ in range(RUNS):
        assert fleet.call("POST", f"{BASE}/graph/g/trigger", {}).status == 200


def work(fleet: Fleet, done: threading.Event) -> None:
    """Execute what is due; repeat an answer until it is known to have arrived."""
    wanted = {"nodes": ["Node"], "batch_size": 3, "lease": 2000, "wait": 200}
    while not done.is_set():
        for state in fleet.call("POST", f"{BASE}/states/enqueue", wanted).body["states"]:
            outputs: list[dict[str, str]] = [{}] * (BRANCHES if state["identifier"] == "root" else 1)
            path = f"{BASE}/state/{state['state_id']}/executed"
            answer = fleet.call("POST", path, {"outputs": outputs})
            assert answer.status == 200 or answer.body == {"detail": "State is not queued"}, answer


def unfinished(fleet: Fleet) -> int:
    runs = fleet.call("GET", f"{BASE}/runs/1/{RUNS}").body["runs"]
    return sum(run["status"] == "PENDING" for run in runs)


def test_every_run_ends_with_everything_done_once(server: PostgresServer) -> None:
    done = threading.Event()

    def server_restarts() -> None:
        server.kill()
        server.start()

    with ExitStack() as parts, ThreadPoolExecutor(4) as pool:
        fleet = Fleet(server.url(), parts)
        start_runs(fleet)
        parts.callback(done.set)
        workers = [pool.submit(work, fleet, done) for _ in range(4)]
        for kill in (server_restarts, partial(fleet.kill, 0), server_restarts, partial(fleet.kill, 1)):
            left = unfinished(fleet)
            until(lambda left=left: unfinished(fleet) < max(left, 1), "a run ends")  # type: ignore[misc]
            kill()
        until(lambda: unfinished(fleet) == 0, "all runs end", timeout=120)
        done.set()
        for worker in workers:
            worker.result(60)
        for run in fleet.call("GET", f"{BASE}/runs/1/{RUNS}").body["runs"]:
            shown = fleet.call("GET", f"{BASE}/states/run/{run['run_id']}/graph").body["nodes"]
            succeeded = Counter(node["identifier"] for node in shown if node["status"] == "SUCCESS")
            assert (run["status"], succeeded) == ("SUCCESS", EACH_RUN)
            assert {node["status"] for node in shown} <= {"SUCCESS", "RETRY_CREATED"}
