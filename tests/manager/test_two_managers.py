"""Several managers on one PostgreSQL: nothing is handed out, joined or expired twice, and nothing is lost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from groundup.manager.operations import claims
from tests.support.manager import BASE, Api, Bench, place, registration
from tests.support.managers import ManagerProcess
from tests.support.postgres import PostgresServer

RUNS = 200
BRANCHES = 12


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.schema() as made:
        yield made


@pytest.fixture
def apis(url: str) -> Iterator[list[Api]]:
    """Two managers as processes, started at the same time on an empty database."""
    with ExitStack() as parts:
        processes = [parts.enter_context(ManagerProcess(url)) for _ in range(2)]
        yield [process.api() for process in processes]


@pytest.fixture
def benches(url: str) -> Iterator[list[Bench]]:
    made = [Bench(url), Bench(url)]
    yield made
    for bench in made:
        bench.database.close()


def work_until_empty(api: Api) -> list[str]:
    """Claim and execute until nothing is due; gives what was claimed."""
    claimed = []
    while states := api("POST", f"{BASE}/states/enqueue", {"nodes": ["Node"], "batch_size": 7}).body[
        "states"
    ]:
        for state in states:
            claimed.append(state["state_id"].partition(".")[0])
            answer = api("POST", f"{BASE}/state/{state['state_id']}/executed", {"outputs": []})
            assert (answer.status, answer.body) == (200, {"status": "EXECUTED"})
    return claimed


def test_every_node_state_is_handed_out_once(apis: list[Api]) -> None:
    nodes = [registration("Node").model_dump()]
    assert apis[0]("PUT", f"{BASE}/nodes/", {"runtime_name": "rt", "nodes": nodes}).status == 200
    chain = [place("a", "b"), place("b")]
    saved = apis[1]("PUT", f"{BASE}/graph/g", {"secrets": {}, "nodes": [node.model_dump() for node in chain]})
    assert saved.body["validation_status"] == "VALID"
    with ThreadPoolExecutor(8) as pool:
        started = pool.map(
            lambda number: apis[number % 2]("POST", f"{BASE}/graph/g/trigger", {}), range(RUNS)
        )
        assert {answer.status for answer in started} == {200}
        claimed = [state for part in pool.map(work_until_empty, apis * 4) for state in part]
    claimed += work_until_empty(apis[0])
    assert Counter(Counter(claimed).values()) == {1: 2 * RUNS}
    shown = apis[0]("GET", f"{BASE}/runs/1/{RUNS}").body["runs"]
    assert Counter((run["status"], run["success_count"]) for run in shown) == {("SUCCESS", 2): RUNS}


@pytest.mark.parametrize("strategy", ["ALL_SUCCESS", "ALL_DONE"])
def test_branches_that_end_at_the_same_time_at_different_managers_are_joined_once(
    benches: list[Bench], strategy: str
) -> None:
    first = benches[0]
    first.register()
    joining = {"identifier": "root", "strategy": strategy}
    first.save(place("root", "work"), place("work", "join"), place("join", unites=joining))
    with ThreadPoolExecutor(BRANCHES) as pool:
        for _ in range(5):
            run_id = first.trigger()
            first.executed(first.claim()[0].state_id, *({} for _ in range(BRANCHES)))
            states = first.claim()
            assert len(states) == BRANCHES
            jobs = [(benches[n % 2], state.state_id) for n, state in enumerate(states)]
            list(pool.map(lambda job: job[0].executed(job[1]), jobs))
            assert Counter(name for name, _ in first.statuses(run_id))["join"] == 1
            assert first.run_all() == 1


def test_a_lost_lease_is_put_back_once(benches: list[Bench]) -> None:
    first, second = benches
    first.register()
    first.save(place("a"))
    for _ in range(30):
        first.trigger()
    assert len(first.claim(lease=1)) == 30
    second.now = first.now = first.now + 10
    with ThreadPoolExecutor(2) as pool:
        numbers = list(pool.map(lambda bench: bench.do(claims.expire), benches))
    assert sum(numbers) == 30
    first.now += 10_000
    assert len(first.claim()) == 30


def test_the_same_things_saved_at_the_same_time_stand_once(benches: list[Bench]) -> None:
    def save(bench: Bench) -> list[str]:
        bench.register()
        return bench.save(place("a"))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(save, benches * 8)) == [[]] * 16
    assert len(benches[0].claim()) == 0
    benches[1].trigger()
    assert len(benches[0].claim()) == 1


def test_who_waits_at_one_manager_is_told_of_what_starts_at_the_other(apis: list[Api]) -> None:
    nodes = [registration("Node").model_dump()]
    apis[0]("PUT", f"{BASE}/nodes/", {"runtime_name": "rt", "nodes": nodes})
    apis[0]("PUT", f"{BASE}/graph/g", {"secrets": {}, "nodes": [place("a").model_dump()]})
    wanted = {"nodes": ["Node"], "batch_size": 1, "wait": 20_000}
    with ThreadPoolExecutor(1) as pool:
        waits = []
        for _ in range(5):
            waiting = pool.submit(apis[1], "POST", f"{BASE}/states/enqueue", wanted)
            while not waiting.running():
                pass
            started = time.monotonic()
            apis[0]("POST", f"{BASE}/graph/g/trigger", {})
            assert len(waiting.result(60).body["states"]) == 1
            waits.append(time.monotonic() - started)
    assert min(waits) < 5  # a poll that nobody wakes takes 20 s
