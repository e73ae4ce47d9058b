"""A worker of the protocol's own SDK answers after its lease ran out: nothing changes, and it works on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from groundup.manager.operations.context import Settings
from tests.support.background import Background, until
from tests.support.chaos import wait_for_end
from tests.support.invariants import Kept, violations
from tests.support.manager import BASE, Api, place, serving
from tests.support.sdk import make_environment

WORKER = Path(__file__).with_name("sdk_late_worker.py")
NODES = ("Late", "LateError", "LatePrune", "LateRequeue")
ANSWERS = ("Notified executed state", "Notified errored state", "Pruned state", "Requeued state")
LEASE = 1000  # milliseconds
RETRY = {"max_retries": 10, "strategy": "FIXED", "backoff_factor": 10}


def start_runs(api: Api) -> None:
    for node in NODES:
        assert api("POST", f"{BASE}/graph/{node}/trigger", {}).status == 200


def test_late_answers_change_nothing(tmp_path: Path) -> None:
    python = make_environment(tmp_path / "sdk")
    database = tmp_path / "manager.db"
    with serving(database, Settings(default_lease=LEASE)) as served:
        api = Api(served.uri, served.key)
        variables = {"EXOSPHERE_STATE_MANAGER_URI": served.uri, "EXOSPHERE_API_KEY": served.key}
        command = [str(python), "-I", str(WORKER), str(tmp_path)]
        with Background(command, env=variables, cwd=tmp_path) as worker:
            until(lambda: api("GET", f"{BASE}/nodes/").body["count"] == len(NODES), "the nodes are there")
            for node in NODES:
                nodes = [place("a", "b", node=node), place("b", node="Late")]
                body = {"secrets": {}, "nodes": [each.model_dump(mode="json") for each in nodes]}
                saved = api("PUT", f"{BASE}/graph/{node}", {**body, "retry_policy": RETRY})
                assert saved.body["validation_status"] == "VALID"
            start_runs(api)
            wait_for_end(api, SUCCESS=len(NODES))
            before = Kept.read(database)

            def answered() -> Counter[str]:
                return Counter({answer: worker.stderr.count(answer) for answer in ANSWERS})

            until(lambda: answered()[ANSWERS[0]] >= 2 * len(NODES), "the SDK has told so")
            told = answered()
            (tmp_path / "go").touch()
            until(lambda: all(answered()[each] > told[each] for each in ANSWERS), "each late answer is sent")
            assert Kept.read(database).states == before.states
            start_runs(api)
            wait_for_end(api, SUCCESS=2 * len(NODES))
            assert not worker.ended()
    assert violations(Kept.read(database), None) == []
