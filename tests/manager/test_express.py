"""What workers ask for every node state has a short way, with the answers of the long one.

A request with an `origin` takes the long way, as those of browsers do.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.support.manager import BASE, V1, Answer, Api, Served, claim

pytestmark = pytest.mark.usefixtures("registered")

BROWSER = {"origin": "http://localhost:3000"}
ENQUEUE = f"{BASE}/states/enqueue"
OUTCOMES = f"{V1}/outcomes"
NOBODY = f"{BASE}/state/{'0' * 24}.{'0' * 16}/executed"


def both(api: Api, path: str, body: object, **headers: str) -> tuple[Answer, Answer]:
    """The answers of the short way and of the long one."""
    return api("POST", path, body, **headers), api("POST", path, body, **headers, **BROWSER)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (ENQUEUE, {"nodes": ["Nobody"], "batch_size": 1}, 200),
        (ENQUEUE, {"nodes": ["Nobody"]}, 422),
        (ENQUEUE, b"{", 422),
        (NOBODY, {"outputs": [{"greeting": "hi"}]}, 404),
        (NOBODY, {"outputs": [{"greeting": 1.5}]}, 404),
        (NOBODY, {"outputs": "none"}, 422),
        (NOBODY, b'{"outputs": [{"greeting": NaN}]}', 422),
        (NOBODY, b'{"outputs": [{"greeting": 1e999}]}', 422),
        (NOBODY, b'{"outputs": [{"greeting": "\\ud800"}]}', 422),
        (NOBODY, b"\xff", 400),
        (OUTCOMES, {"outcomes": [{"outcome": "errored", "state_id": "gone", "error": "x"}]}, 200),
        (OUTCOMES, {"outcomes": [{"outcome": "prune", "state_id": "gone", "data": {"n": 1}}]}, 200),
        (OUTCOMES, b'{"outcomes": [{"outcome": "prune", "state_id": "gone", "data": {"n": NaN}}]}', 422),
        (OUTCOMES, {"outcomes": [{"outcome": "unknown", "state_id": "gone"}]}, 422),
    ],
)
def test_both_ways_give_the_same_answers(api: Api, path: str, body: object, status: int) -> None:
    short, long = both(api, path, body)
    assert (short.status, short.body) == (long.status, long.body)
    assert short.status == status
    assert "x-groundup-manager" in short.headers


@pytest.mark.parametrize("path", [ENQUEUE, NOBODY, OUTCOMES])
def test_both_ways_refuse_a_wrong_key(served: Served, path: str) -> None:
    short, long = both(Api(served.uri, "wrong"), path, {})
    assert (short.status, short.body) == (long.status, long.body)
    assert short.status == 401


@pytest.mark.parametrize(("first", "second", "status"), [("wrong", None, 401), (None, "wrong", 404)])
@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
def test_of_two_keys_the_first_counts_on_both_ways(
    served: Served, first: str | None, second: str | None, status: int, kind: str
) -> None:
    parts = urlsplit(served.uri)
    with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
        connection.putrequest("POST", NOBODY)
        for key in (first, second):
            connection.putheader("x-api-key", key or served.key)
        connection.putheader("content-type", kind)
        connection.putheader("content-length", "14")
        connection.endheaders(b'{"outputs":[]}')
        assert connection.getresponse().status == status


def test_the_repeat_of_an_outcome_gets_its_answer_by_either_way(api: Api) -> None:
    path = f"{BASE}/state/{claim(api)['state_id']}/executed"
    short, long = both(api, path, {"outputs": [{"greeting": "hi"}]})
    assert (short.status, short.body) == (long.status, long.body) == (200, {"status": "EXECUTED"})


def test_outcomes_that_come_at_the_same_time_are_answered_each_for_itself(api: Api) -> None:
    ids = [claim(api)["state_id"] for _ in range(12)]
    wanted = [*ids, *ids[:3], "0" * 24, ids[0].partition(".")[0] + ".stale"]

    def executed(state_id: str) -> int:
        return api("POST", f"{BASE}/state/{state_id}/executed", {"outputs": [{"greeting": "hi"}]}).status

    with ThreadPoolExecutor(len(wanted)) as pool:
        statuses = list(pool.map(executed, wanted))
    assert statuses == [200] * 15 + [404, 400]
