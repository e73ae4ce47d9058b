"""The store of a run, read and written by nodes while they are executed and by people."""

from __future__ import annotations

import pytest

from groundup.manager.errors import NotFoundError, RejectedError
from groundup.manager.operations import values
from groundup.nodes.wire import extensions
from tests.support.manager import NAMESPACE, Bench, place, registration


@pytest.fixture
def flow(bench: Bench) -> Bench:
    bench.register(registration("Node", inputs="text"))
    reading = place("b", inputs={"text": "${{ store.seen }} ${{ store.kept }}"})
    nodes = [place("a", "b", inputs={"text": ""}), reading]
    bench.save(*nodes, store_config={"default_values": {"seen": "nothing", "kept": "as is"}})
    return bench


def write(bench: Bench, state_id: str, **changes: str | None) -> dict[str, str]:
    given = extensions.StoreChanges(values=changes)
    return bench.do(values.change_of_state, NAMESPACE, state_id, given).values


def test_what_a_node_writes_is_read_by_those_that_follow(flow: Bench) -> None:
    flow.trigger()
    (state,) = flow.claim()
    assert flow.do(values.of_state, NAMESPACE, state.state_id).values == {
        "seen": "nothing",
        "kept": "as is",
    }
    assert write(flow, state.state_id, seen="much", other="x")["other"] == "x"
    write(flow, state.state_id, other=None)
    flow.executed(state.state_id)
    assert flow.claim()[0].inputs == {"text": "much as is"}


def test_a_key_that_is_removed_has_its_default_again(flow: Bench) -> None:
    run_id = flow.trigger(store={"seen": "by the trigger"})
    changes = extensions.StoreChanges(values={"seen": None, "new": "one"})
    stored = flow.do(values.change_of_run, NAMESPACE, run_id, changes).values
    assert stored == {"seen": "nothing", "kept": "as is", "new": "one"}
    assert flow.do(values.of_run, NAMESPACE, run_id).values == stored


def test_runs_do_not_share_their_store(flow: Bench) -> None:
    flow.trigger()
    other = flow.trigger()
    write(flow, flow.claim(batch=1)[0].state_id, seen="much")
    assert flow.do(values.of_run, NAMESPACE, other).values["seen"] == "nothing"


def test_only_who_holds_the_claim_may_write(flow: Bench) -> None:
    flow.trigger()
    (state,) = flow.claim()
    late = state.state_id
    flow.executed(late)
    with pytest.raises(RejectedError, match="State is not queued"):
        write(flow, late, seen="much")
    with pytest.raises(RejectedError, match="State is not queued"):
        write(flow, f"{flow.claim()[0].state_id}x", seen="much")


def test_other_namespaces_see_nothing(flow: Bench) -> None:
    run_id = flow.trigger()
    (state,) = flow.claim()
    with pytest.raises(NotFoundError, match="State not found"):
        flow.do(values.of_state, "other", state.state_id)
    with pytest.raises(NotFoundError, match="Run not found"):
        flow.do(values.of_run, "other", run_id)


@pytest.mark.parametrize("key", ["", " ", " a", "a.b"])
def test_keys_are_those_that_placeholders_can_name(key: str) -> None:
    with pytest.raises(ValueError, match="Key"):
        extensions.StoreChanges(values={key: "x"})
