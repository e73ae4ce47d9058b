"""The short way and the long one answer alike, byte for byte, whatever a request holds.

A request whose media type names its encoding takes the long way; nothing else of it differs.
"""

from __future__ import annotations

import http.client
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.manager.operations.context import Settings
from tests.support.manager import BASE, HELLO, V1, Api, Served, claim, hello, serving

SHORT, LONG = "application/json", "application/json; charset=utf-8"
REQUEST_ID = str(uuid.uuid4())
NOBODY = f"{'0' * 24}.{'0' * 16}"
VOLATILE = re.compile(  # ids of runs, node states with tokens, times
    rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24}\.[0-9a-f]{16}|\d{4}-\d\d-\d\dT[\d:.]+"
)

NUMBERS = ["0", "-0", "1", "-1", "2.0", "2.5", "1e2", "1E+999", "NaN", "-Infinity", "01", "9" * 30]
LONG_NUMBERS = ["9" * 400, "9" * 400 + ".0", "9" * 5000, "1" + "0" * 18, str(2**63)]
TEXTS = [
    '"x"',
    '"2"',
    '" 2 "',
    '"true"',
    '"\\u0000"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '"é"',
    '"a\nb"',
    '"\\q"',
]
OTHERS = [
    "true",
    "false",
    "null",
    "[]",
    "{}",
    "[[]]",
    '["Nobody"]',
    '["Nobody", 1]',
    '{"a": "b"}',
    '{"a": 1}',
]
OUTPUTS = ['[{"greeting": "hi"}]', '[{"greeting": 1}, {}]', '[{"a": "1", "a": 2}]', '[{"greeting": NaN}]']
DEEP = [f"{'[' * depth}{']' * depth}" for depth in (100, 199, 203, 300, 2000)]
VALUES = [*NUMBERS, *LONG_NUMBERS, *TEXTS, *OTHERS, *OUTPUTS, *DEEP]


@dataclass(frozen=True)
class Answer:
    """An answer without what differs each time."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Caller:
    """Calls a manager on one connection."""

    def __init__(self, served: Served) -> None:
        parts = urlsplit(served.uri)
        self._key = served.key
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def __call__(self, path: str, body: bytes, media_type: str) -> Answer:
        headers = {"x-api-key": self._key, "x-exosphere-request-id": REQUEST_ID, "content-type": media_type}
        self._connection.request("POST", path, body, headers)
        response = self._connection.getresponse()
        told = tuple((name, value) for name, value in response.getheaders() if name.lower() != "date")
        return Answer(response.status, told, VOLATILE.sub(b"*", response.read()))

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A manager that holds no answer back, with a flow in the namespace demo."""
    folder: Path = tmp_path_factory.mktemp("manager")
    with serving(folder / "manager.db", Settings(longest_wait=0)) as manager:
        api = Api(manager.uri, manager.key)
        api("PUT", f"{BASE}/nodes/", {"runtime_name": "rt", "nodes": [HELLO]})
        assert api("PUT", f"{BASE}/graph/hello", {"secrets": {}, "nodes": [hello()]}).status == 201
        yield manager


@pytest.fixture(scope="module")
def caller(served: Served) -> Iterator[Caller]:
    made = Caller(served)
    yield made
    made.close()


@pytest.fixture(scope="module")
def claimed(served: Served) -> str:
    """A node state that is claimed; its first outcome is recorded, and the same one is answered alike."""
    return str(claim(Api(served.uri, served.key))["state_id"])


def objects(*names: str) -> st.SearchStrategy[str]:
    """JSON objects, or what nearly is one, with these names more often than others, and some twice."""
    name = st.sampled_from([*names, *names, "extra", "é", ""])
    member = st.tuples(name, st.sampled_from(VALUES)).map(lambda pair: f'"{pair[0]}": {pair[1]}')
    return st.lists(member, max_size=4).map(lambda members: "{" + ", ".join(members) + "}")


def completed(required: dict[str, list[str]], *names: str) -> st.SearchStrategy[str]:
    """Objects that mostly hold what is required."""
    parts = [st.sampled_from(values).map(f'"{name}": {{}}'.format) for name, values in required.items()]
    return st.tuples(st.tuples(*parts), objects(*names)).map(
        lambda found: "{" + ", ".join([*found[0], *filter(None, [found[1][1:-1]])]) + "}"
    )


def spoilt(text: str, how: str) -> bytes:
    """``text`` with something around it, or without its end."""
    data = text.encode()
    match how:
        case "byte order mark":
            return b"\xef\xbb\xbf" + data
        case "space":
            return b" \r\n\t" + data + b"\n"
        case "no end":
            return data[:-1]
        case "too much":
            return data + b"}"
        case "no text":
            return data + b"\xff"
    return data


STATE_IDS = [f'"{NOBODY}"', '"CLAIMED"', '"CLAIMED"', '"gone"', '""', "1"]
KINDS = ['"executed"', '"errored"', '"prune"', '"re-enqueue-after"', '"unknown"']
OUTCOME = completed(
    {"outcome": KINDS, "state_id": STATE_IDS}, "outputs", "error", "data", "enqueue_after", "outcome"
)
REQUESTS = st.one_of(
    st.tuples(
        st.just(f"{BASE}/states/enqueue"),
        completed(
            {"nodes": ['["Nobody"]', "[]"], "batch_size": NUMBERS}, "wait", "lease", "context", "nodes"
        ),
    ),
    st.tuples(
        st.sampled_from([NOBODY, "CLAIMED", "CLAIMED", "gone", "0" * 24]).map(
            BASE.__add__("/state/{}/executed").format
        ),
        completed({"outputs": OUTPUTS}, "outputs"),
    ),
    st.tuples(
        st.just(f"{V1}/outcomes"),
        st.lists(OUTCOME, max_size=3).map(lambda found: f'{{"outcomes": [{", ".join(found)}]}}'),
    ),
    st.tuples(
        st.sampled_from([f"{BASE}/graph/hello/trigger", f"{BASE}/graph/none/trigger"]),
        objects("store", "inputs", "start_delay"),
    ),
)
SPOILING = st.sampled_from([*[""] * 8, "byte order mark", "space", "no end", "too much", "no text"])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=REQUESTS, how=SPOILING)
def test_both_ways_give_the_same_bytes(
    caller: Caller, claimed: str, request: tuple[str, str], how: str
) -> None:
    path, text = (part.replace("CLAIMED", claimed) for part in request)
    body = spoilt(text, how)
    short, long = caller(path, body, SHORT), caller(path, body, LONG)
    assert short == long
    assert short.status < 500


def test_what_is_ignored_must_be_json_as_well(caller: Caller, claimed: str) -> None:
    """Whether or not models look at it."""
    path = f"{BASE}/state/{claimed}/executed"
    for odd in ("NaN", "-Infinity", "1e999", "9" * 400 + ".0"):
        body = f'{{"outputs": [], "extra": {odd}}}'.encode()
        short, long = caller(path, body, SHORT), caller(path, body, LONG)
        assert (short, short.status) == (long, 422)


@pytest.mark.parametrize("context", [False, True])
def test_both_ways_hand_out_the_same(served: Served, caller: Caller, context: bool) -> None:
    api = Api(served.uri, served.key)
    for _ in range(2):
        assert (
            api("POST", f"{BASE}/graph/hello/trigger", {"inputs": {"name": "é\u2028\x7f\x01"}}).status == 200
        )
    body = b'{"nodes": ["Hello"], "batch_size": 1, "context": %s}' % str(context).lower().encode()
    short, long = (caller(f"{BASE}/states/enqueue", body, kind) for kind in (SHORT, LONG))
    assert short == long
    assert b'"count":1' in short.body
