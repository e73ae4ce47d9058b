"""Outcomes travel together where the manager takes that, and each counts by itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from pydantic import BaseModel

from groundup.manager import EmbeddedManager
from groundup.nodes import BaseNode, RetryPolicyModel, StateManager
from tests.support.gate import Gate
from tests.support.server import LoopbackServer, QuietHandler
from tests.support.workers import running, runtime, statuses, step

BRANCHES = 60


class Number(BaseModel):
    number: int


class Word(BaseModel):
    word: str


class Spread(BaseNode):
    Outputs = Number

    async def execute(self) -> list[Number]:
        return [Number(number=number) for number in range(BRANCHES)]


class Judge(BaseNode):
    """Fails for every third number."""

    Inputs = Number

    async def execute(self) -> None:
        if self.inputs.number % 3 == 0:
            raise ValueError(f"{self.inputs.number} is divisible")


class Recorder(LoopbackServer):
    """Passes everything on to a manager and counts the calls by the last part of their path."""

    authority = None
    host = "127.0.0.1"

    def __init__(self, manager: str) -> None:
        self.manager = manager
        self.calls: Counter[str] = Counter()

    handler = property(lambda self: type("Bound", (_Handler,), {"recorder": self}))


class _Handler(QuietHandler, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    recorder: Recorder

    def do_POST(self) -> None:
        """Pass it on."""
        self.recorder.calls[self.path.rpartition("/")[2]] += 1
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        sent = {"x-api-key": self.headers["x-api-key"], "content-type": "application/json"}
        request = Request(self.recorder.manager + self.path, body, sent, method=self.command)
        try:
            answer = urlopen(request, timeout=60)
        except HTTPError as refusal:
            answer = refusal
        with answer:
            text = answer.read()
            self.send_response(answer.status)
            self.send_header("x-groundup-manager", answer.headers["x-groundup-manager"])
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    def do_PUT(self) -> None:
        """Pass it on."""
        self.do_POST()


@pytest.fixture
def recorder(manager: EmbeddedManager) -> Iterator[Recorder]:
    with Recorder(manager.uri) as recording:
        yield recording


async def spread(manager: EmbeddedManager, uri: str, **worker: Any) -> Counter[tuple[str, str]]:
    """Run a flow of many branches by a worker that reaches the manager at ``uri``."""
    polling = running(runtime([Spread, Judge], uri, manager.key, **worker))
    async with polling, StateManager("demo", manager.uri, manager.key) as client:
        flow = [
            step(Spread, "spread", "judge"),
            step(Judge, "judge", inputs={"number": "${{ spread.outputs.number }}"}),
        ]
        await client.upsert_graph("flow", flow, {}, retry_policy=RetryPolicyModel(max_retries=0))
        run_id = (await client.trigger("flow"))["run_id"]
        graph = await client.wait_for_run(run_id, timeout=60)
    return Counter(statuses(graph))


EXPECTED = {
    ("spread", "SUCCESS"): BRANCHES,
    ("judge", "SUCCESS"): BRANCHES - BRANCHES // 3,
    ("judge", "ERRORED"): BRANCHES // 3,
}


def test_many_outcomes_travel_in_few_calls(manager: EmbeddedManager, recorder: Recorder) -> None:
    counted = asyncio.run(spread(manager, recorder.base, batch_size=BRANCHES, workers=8))
    assert counted == EXPECTED
    calls = recorder.calls
    assert calls["outcomes"] >= 1
    assert calls["outcomes"] + calls["executed"] + calls["errored"] < BRANCHES / 2


@pytest.mark.parametrize("lost", ["lost_request", "lost_answer"])
def test_a_lost_batch_is_sent_again(manager: EmbeddedManager, lost: str) -> None:
    async def main() -> Counter[tuple[str, str]]:
        with Gate(int(manager.uri.rpartition(":")[2]), **{lost: b"/outcomes"}) as gate:
            return await spread(manager, gate.base, batch_size=BRANCHES, workers=8)

    assert asyncio.run(main()) == EXPECTED


def test_an_outcome_that_cannot_be_taken_does_not_harm_the_others(
    manager: EmbeddedManager, recorder: Recorder
) -> None:
    """A half of a character is no text; the batch with it is refused, and everything in it sent alone."""

    class Odd(BaseNode):
        Inputs = Number
        Outputs = Word

        async def execute(self) -> Word:
            return Word(word="\ud83d" if self.inputs.number == 7 else "whole")

    async def main() -> Counter[tuple[str, str]]:
        worker = runtime([Spread, Odd], recorder.base, manager.key, batch_size=BRANCHES)
        async with running(worker), StateManager("demo", manager.uri, manager.key) as client:
            reading = {"number": "${{ spread.outputs.number }}"}
            flow = [step(Spread, "spread", "odd"), step(Odd, "odd", inputs=reading)]
            await client.upsert_graph("flow", flow, {}, retry_policy=RetryPolicyModel(max_retries=0))
            run_id = (await client.trigger("flow"))["run_id"]
            return Counter(statuses(await client.wait_for_run(run_id, timeout=60)))

    assert asyncio.run(main()) == {
        ("spread", "SUCCESS"): BRANCHES,
        ("odd", "SUCCESS"): BRANCHES - 1,
        ("odd", "ERRORED"): 1,
    }
    assert recorder.calls["outcomes"] >= 1
