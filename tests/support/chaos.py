"""What the chaos suite breaks: flows in progress, workers that write a journal, moments to strike at.

``GROUNDUP_CHAOS=long`` runs the suite at length.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from groundup.manager import EmbeddedManager
from groundup.nodes.wire import NodeTemplate
from tests.support.background import Background, until
from tests.support.manager import BASE, Api, place, registration
from tests.support.managers import API_KEY, ManagerProcess

T = TypeVar("T")

WORKER = Path(__file__).with_name("chaos_worker.py")
LONG = os.environ.get("GROUNDUP_CHAOS") == "long"

BRANCHES = 7
SPREAD = (
    place("root", "branch", node="Split"),
    place("branch", "join", node="Work"),
    place("join", "last", node="Work", unites="root"),
    place("last", node="Work"),
)
"""A flow whose first node goes on as many; all are joined."""
SPREAD_SUCCESSES = Counter(root=BRANCHES, branch=BRANCHES, join=1, last=1)
SPREAD_EXECUTIONS = BRANCHES + 3

ONE = (place("only", node="Work"),)


def scaled(short: T, long: T) -> T:
    """The one for CI, or the one for the suite at length."""
    return long if LONG else short


PATIENCE = scaled(120, 1200)  # seconds until everything is done
_PAUSE = 0.1  # seconds between two looks at all runs, which take managers a while


def moments(count: int, of: int, seed: int = 20) -> list[int]:
    """So many different numbers of executions after which to strike, all well before the end."""
    chance = random.Random(seed)  # noqa: S311 - which moments are hit
    return sorted(chance.sample(range(of // 20, of * 4 // 5), count))


@dataclass(frozen=True)
class Line:
    """A line of the journal: what happened to which node state, in which process, at what time there."""

    event: str
    subject: str
    pid: int
    time: float

    @property
    def state_id(self) -> str:
        """The node state without the token of the claim."""
        return self.subject.partition(".")[0]


class Journal:
    """A file that every execution appends to, and every fault."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.touch()
        self._counted: Counter[str] = Counter()
        self._seen = 0

    def lines(self) -> list[Line]:
        """Everything so far, in the order in which it happened."""
        words = (line.split() for line in self.path.read_text().splitlines())
        return [Line(event, subject, int(pid), float(time)) for event, subject, pid, time in words]

    def count(self, event: str) -> int:
        """How often `event` happened so far."""
        with self.path.open("rb") as file:
            file.seek(self._seen)
            new = file.read().decode()
        self._seen += len(new)
        self._counted.update(line.partition(" ")[0] for line in new.splitlines())
        return self._counted[event]

    def fault(self, name: str) -> None:
        """Note that what began before may begin again.

        So it is noted when no victim begins anything more; of faults that last, the beginning and the end.
        """
        with self.path.open("ab", buffering=0) as file:
            file.write(f"fault {name} {os.getpid()} 0\n".encode())


@dataclass(frozen=True)
class Pace:
    """How a worker works; times in seconds."""

    seconds: float = 0.005
    workers: int = 16
    batch: int = 32
    lease: float = 4


class ChaosWorker(Background):
    """A worker as a process of its own."""

    def __init__(
        self,
        uri: str,
        journal: Journal,
        pace: Pace,
        *,
        key: str = API_KEY,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        options = {"uri": uri, "key": key, "journal": str(journal.path), "branches": BRANCHES, **vars(pace)}
        env = {"PATH": os.environ["PATH"], "CHAOS_OPTIONS": json.dumps(options), **(variables or {})}
        super().__init__([sys.executable, str(WORKER)], env=env, cwd=journal.path.parent)


@dataclass(frozen=True)
class SteadyManager:
    """A manager in the process of the test, which nobody kills."""

    uri: str
    api: Api


@contextmanager
def steady_manager(database: Path) -> Iterator[SteadyManager]:
    """A manager on `database` meanwhile."""
    with EmbeddedManager(database, key=API_KEY) as manager:
        yield SteadyManager(manager.uri, Api(manager.uri, API_KEY))


class LastingManager:
    """A manager that can be killed and started again at the same address while its `with` block runs.

    :param grace: how long it spares claims that nobody could renew while it was away; seconds.
    """

    def __init__(self, database: Path | str, *, grace: float = 10) -> None:
        self._database = database
        self._settings = {"grace": int(grace * 1000)}
        self._process: ManagerProcess | None = None
        self.uri = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def api(self) -> Api:
        """Calls it over HTTP."""
        return Api(self.uri, API_KEY)

    def start(self) -> None:
        """Start it; returns when it answers."""
        port = int(self.uri.rpartition(":")[2] or 0)
        self._process = ManagerProcess(self._database, port=port, settings=self._settings)
        self.uri = self._process.uri

    def kill(self) -> None:
        """Kill it; returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def save_flow(api: Api, flow: Sequence[NodeTemplate], *, max_retries: int = 30, delay: int = 10) -> None:
    """Register what workers offer, and save a flow of it called g."""
    nodes = [registration(name, outputs="text").model_dump() for name in ("Work", "Split", "Poison", "Apart")]
    assert api("PUT", f"{BASE}/nodes/", {"runtime_name": "rt", "nodes": nodes}).status == 200
    policy = {"max_retries": max_retries, "strategy": "FIXED", "backoff_factor": delay}
    template = {"secrets": {}, "nodes": [node.model_dump(mode="json") for node in flow]}
    saved = api("PUT", f"{BASE}/graph/g", {**template, "retry_policy": policy})
    assert saved.body["validation_status"] == "VALID", saved


def start_runs(api: Api, count: int) -> None:
    """Start so many runs of the flow."""
    for _ in range(count):
        assert api("POST", f"{BASE}/graph/g/trigger", {}).status == 200


def summary(api: Api) -> Counter[str]:
    """How many runs there are of each status."""
    runs: list[dict[str, Any]] = api("GET", f"{BASE}/runs/1/0").body["runs"]
    return Counter(run["status"] for run in runs)


def wait_for_end(api: Api, **expected: int) -> None:
    """Wait until there are so many runs of each status, and no others."""

    def ended() -> bool:
        time.sleep(_PAUSE)
        return summary(api) == expected

    until(ended, f"the runs end as {expected}", timeout=PATIENCE)
