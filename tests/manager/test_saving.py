"""Saving a flow again: only what changed makes a new version."""

from __future__ import annotations

from typing import Any

import pytest

from groundup.manager.operations import flows
from groundup.manager.secrets import SecretCipher, generate_key
from groundup.nodes.wire import UpsertGraphRequest
from tests.support.manager import FLOW, NAMESPACE, Bench, place, registration

CRON = [{"type": "CRON", "value": {"expression": "@daily"}}]


def saved(bench: Bench, **more: Any) -> str:
    """When the newest version was made; a second passes before the flow is saved."""
    bench.now += 1000
    body = {"secrets": {"token": "first"}, "nodes": [place("a")], "triggers": CRON, **more}
    request = UpsertGraphRequest.model_validate(body)
    return bench.do(flows.save_flow, NAMESPACE, FLOW, request).updated_at


def test_the_same_again_is_no_new_version(bench: Bench) -> None:
    bench.register()
    first = saved(bench)
    assert saved(bench) == first
    assert bench.do(flows.get_flow, NAMESPACE, FLOW).updated_at == first


@pytest.mark.parametrize(
    "change",
    [
        {"secrets": {"token": "second"}},
        {"nodes": [place("b")]},
        {"retry_policy": {"max_retries": 0}},
        {"store_config": {"required_keys": ["k"]}},
        {"triggers": []},
    ],
)
def test_whatever_differs_makes_one(bench: Bench, change: dict[str, Any]) -> None:
    bench.register()
    assert saved(bench) < saved(bench, **change)


def test_so_do_nodes_that_are_registered_otherwise(bench: Bench) -> None:
    unverified = saved(bench)
    bench.register()
    valid = saved(bench)
    bench.register(registration("Node", inputs="new"))
    assert unverified < valid < saved(bench)
    assert bench.do(flows.get_flow, NAMESPACE, FLOW).validation_errors


def test_and_secrets_that_cannot_be_read_any_more(bench: Bench) -> None:
    bench.register()
    first = saved(bench)
    bench.context.cipher = SecretCipher(generate_key())
    assert first < saved(bench)
