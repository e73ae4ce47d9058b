"""Runs as a whole: cancelled, retried, listed; what is left of a flow that is removed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from groundup.manager.errors import ConflictError, NotFoundError, RejectedError
from groundup.manager.operations import claims, flows, retention, runs, triggers
from groundup.manager.store.schema import metadata
from groundup.nodes.wire import EnqueueRequest, StateStatus, extensions
from tests.support.manager import FLOW, NAMESPACE, Bench, place, registration

NO_RETRY = {"max_retries": 0}


@pytest.fixture
def flow(bench: Bench) -> Bench:
    """a → b, without retries."""
    bench.register()
    bench.save(place("a", "b"), place("b"), retry_policy=NO_RETRY)
    return bench


def cancel(bench: Bench, run_id: str) -> int:
    return bench.do(runs.cancel, NAMESPACE, run_id).cancelled


def retry(bench: Bench, run_id: str, label: str = "one") -> list[str]:
    request = extensions.RetryFailedRequest(fanout_id=label)
    return bench.do(runs.retry_failed, NAMESPACE, run_id, request).created


def status(bench: Bench, run_id: str) -> str:
    return bench.do(runs.get_run, NAMESPACE, run_id).status


class TestCancel:
    def test_what_waits_and_what_is_executed_fails_and_nothing_follows(self, flow: Bench) -> None:
        run_id = flow.trigger()
        flow.executed(flow.claim()[0].state_id, {}, {})
        flow.claim(batch=1)
        assert cancel(flow, run_id) == 2
        assert flow.claim() == []
        assert [name for _, name in flow.statuses(run_id)] == ["SUCCESS", "SUCCESS", "ERRORED", "ERRORED"]
        assert flow.graph(run_id).nodes[-1].error == "The run was cancelled"
        assert (status(flow, run_id), flow.graph(run_id).status) == ("CANCELLED", "FAILED")

    def test_late_answers_are_refused_or_have_no_effect(self, flow: Bench) -> None:
        run_id = flow.trigger()
        (state,) = flow.claim()
        cancel(flow, run_id)
        with pytest.raises(RejectedError, match="State is not queued"):
            flow.executed(state.state_id)
        assert flow.pruned(state.state_id)["status"] == "PRUNED"
        assert flow.requeued(state.state_id, 1)["status"] == "CREATED"
        assert flow.statuses(run_id) == [("a", "ERRORED")]

    def test_a_join_does_not_start(self, bench: Bench) -> None:
        bench.register()
        join = place("join", unites={"identifier": "a", "strategy": "ALL_DONE"})
        bench.save(place("a", "b"), place("b", "join"), join)
        run_id = bench.trigger()
        bench.executed(bench.claim()[0].state_id)
        cancel(bench, run_id)
        assert bench.statuses(run_id) == [("a", "SUCCESS"), ("b", "ERRORED")]

    def test_again_it_changes_nothing_and_what_ended_cannot_be_cancelled(self, flow: Bench) -> None:
        cancelled, ended = flow.trigger(), flow.trigger()
        cancel(flow, cancelled)
        assert cancel(flow, cancelled) == 0
        flow.run_all()
        with pytest.raises(ConflictError, match="Run has ended"):
            cancel(flow, ended)
        with pytest.raises(NotFoundError, match="Run not found"):
            cancel(flow, "unknown")
        with pytest.raises(NotFoundError):
            flow.do(runs.cancel, "other", cancelled)

    def test_a_cancelled_run_goes_on_when_it_is_retried(self, flow: Bench) -> None:
        run_id = flow.trigger()
        cancel(flow, run_id)
        assert len(retry(flow, run_id)) == 1
        assert status(flow, run_id) == "PENDING"
        flow.run_all()
        assert status(flow, run_id) == "SUCCESS"


class TestRetryFailed:
    def test_every_failed_node_state_runs_again_and_only_those(self, flow: Bench) -> None:
        run_id = flow.trigger()
        flow.executed(flow.claim()[0].state_id, {}, {}, {})
        first, second, third = [state.state_id for state in flow.claim()]
        flow.errored(first)
        flow.errored(third)
        flow.executed(second)
        assert len(retry(flow, run_id)) == 2
        assert flow.run_all() == 2
        assert status(flow, run_id) == "SUCCESS"

    def test_the_same_token_counts_once(self, flow: Bench) -> None:
        run_id = flow.trigger()
        flow.errored(flow.claim()[0].state_id)
        retry(flow, run_id, "one_")
        flow.errored(flow.claim()[0].state_id)
        with pytest.raises(ConflictError, match="Duplicate retry state detected"):
            retry(flow, run_id, "one_")
        assert len(retry(flow, run_id, "one")) == 1

    def test_a_join_that_waited_for_a_failed_branch_starts_when_it_works(self, bench: Bench) -> None:
        bench.register()
        nodes = [place("a", "b"), place("b", "join"), place("join", unites="a")]
        bench.save(*nodes, retry_policy=NO_RETRY)
        run_id = bench.trigger()
        bench.executed(bench.claim()[0].state_id)
        bench.errored(bench.claim()[0].state_id)
        retry(bench, run_id)
        assert bench.run_all() == 2
        assert bench.statuses(run_id)[-1] == ("join", "SUCCESS")

    def test_nothing_failed(self, flow: Bench) -> None:
        run_id = flow.trigger()
        assert retry(flow, run_id) == []
        with pytest.raises(NotFoundError):
            retry(flow, "unknown")


class TestLists:
    def listed(self, bench: Bench, **wanted: Any) -> list[str]:
        """Ids of the runs that fit, over all pages, the newest first."""
        found: list[str] = []
        before = None
        while True:
            page = bench.do(runs.list_runs, NAMESPACE, extensions.RunFilter(**wanted, before=before))
            found += [run.run_id for run in page.runs]
            if page.next is None:
                return found
            before = page.next

    def test_runs_by_status(self, flow: Bench) -> None:
        succeeded = flow.trigger()
        flow.run_all()
        failed = flow.trigger()
        flow.errored(flow.claim()[0].state_id)
        cancelled = flow.trigger()
        cancel(flow, cancelled)
        pending = flow.trigger()
        expected = {"SUCCESS": succeeded, "FAILED": failed, "CANCELLED": cancelled, "PENDING": pending}
        for name, run_id in expected.items():
            assert self.listed(flow, status=name) == [run_id]
            assert status(flow, run_id) == name
        assert self.listed(flow) == [pending, cancelled, failed, succeeded]

    def test_runs_by_flow_time_and_page(self, flow: Bench) -> None:
        started = []
        for _ in range(5):
            started.append(flow.trigger())
            flow.now += 1000
        assert self.listed(flow, limit=2) == started[::-1]
        assert self.listed(flow, graph_name="other") == []
        third = flow.do(runs.get_run, NAMESPACE, started[2]).created_at
        assert self.listed(flow, created_after=third) == started[:1:-1]
        assert self.listed(flow, created_before=third.replace(tzinfo=None)) == started[1::-1]

    def test_node_states_by_what_they_have_in_common(self, flow: Bench) -> None:
        first, second = flow.trigger(), flow.trigger()
        flow.executed(flow.claim(batch=1)[0].state_id)

        def found(**wanted: Any) -> list[tuple[str, str]]:
            page = flow.do(runs.list_states, NAMESPACE, extensions.StateFilter(**wanted))
            return [(state.identifier, state.status) for state in page.states]

        assert found() == [("b", "CREATED"), ("a", "CREATED"), ("a", "SUCCESS")]
        assert found(run_id=first) == [("b", "CREATED"), ("a", "SUCCESS")]
        assert found(status=["SUCCESS", "ERRORED"]) == [("a", "SUCCESS")]
        assert found(identifier="a", status=["CREATED"]) == [("a", "CREATED")]
        assert found(node_name="Other") == []
        assert found(limit=1) == [("b", "CREATED")]
        page = flow.do(runs.list_states, "other", extensions.StateFilter(run_id=second))
        assert page.states == []

    def test_everything_about_a_node_state(self, bench: Bench) -> None:
        bench.register(registration("Node", inputs="text"))
        bench.save(place("a", inputs={"text": "hello"}, timeout=500))
        run_id = bench.trigger(start_delay=10**30)
        (state,) = bench.do(runs.list_states, NAMESPACE, extensions.StateFilter(run_id=run_id)).states
        assert state.enqueue_after.year == 9999
        info = bench.do(runs.get_state, NAMESPACE, state.id)
        assert (info.inputs, info.timeout, info.deadline, info.claims) == ({"text": "hello"}, 500, None, 0)
        with pytest.raises(NotFoundError, match="State not found"):
            bench.do(runs.get_state, "other", state.id)


class TestDeletedFlows:
    def test_a_removed_flow_is_gone_and_its_runs_go_on(self, flow: Bench) -> None:
        run_id = flow.trigger()
        assert flow.do(runs.delete_flow, NAMESPACE, FLOW).status == "DELETED"
        for operation in (flows.get_flow, runs.delete_flow):
            with pytest.raises(NotFoundError, match="Graph template flow not found in namespace demo"):
                flow.do(operation, NAMESPACE, FLOW)
        with pytest.raises(NotFoundError, match="Graph template not found for namespace demo and graph flow"):
            flow.trigger()
        assert flow.do(flows.list_flows, NAMESPACE)["count"] == 0
        assert flow.run_all() == 2
        assert flow.statuses(run_id) == [("a", "SUCCESS"), ("b", "SUCCESS")]

    def test_its_triggers_go_with_it(self, bench: Bench) -> None:
        bench.register()
        bench.save(place("a"), triggers=[{"type": "CRON", "value": {"expression": "* * * * *"}}])
        bench.now += 61_000
        assert bench.do(triggers.start_due) == 1
        bench.do(runs.delete_flow, NAMESPACE, FLOW)
        bench.now += 61_000
        assert bench.do(triggers.start_due) == 0

    @pytest.mark.parametrize("with_run", [False, True])
    def test_it_may_be_saved_again(self, flow: Bench, with_run: bool) -> None:
        if with_run:
            flow.trigger()
        flow.do(runs.delete_flow, NAMESPACE, FLOW)
        assert flow.save(place("x")) == []
        flow.trigger()
        assert flow.run_all() == 1 + 2 * with_run

    def test_what_is_left_goes_with_its_last_run(self, flow: Bench) -> None:
        flow.context.settings.keep_runs = 1
        flow.trigger()
        flow.do(runs.delete_flow, NAMESPACE, FLOW)
        flow.run_all()
        flow.now += 2
        assert flow.do(retention.remove_runs) == 1

        def left(connection: Any) -> int:
            tables = [metadata.tables[name] for name in ("flows", "flow_versions", "runs", "node_states")]
            return sum(len(connection.execute(select(table)).all()) for table in tables)

        assert flow.database.read(left) == 0


class TestContext:
    def test_claims_tell_where_they_belong_when_asked(self, flow: Bench) -> None:
        run_id = flow.trigger()
        request = EnqueueRequest(nodes=["Node"], batch_size=1, context=True)
        (state,) = flow.do(claims.enqueue, NAMESPACE, request).states
        assert state.context is not None
        assert state.context.model_dump() == {
            "namespace": NAMESPACE,
            "graph_name": FLOW,
            "run_id": run_id,
            "attempt": 1,
            "timeout": None,
        }
        flow.executed(state.state_id)
        assert "context" not in flow.claim()[0].model_dump()
        assert flow.do(runs.get_run, NAMESPACE, run_id).counts == {
            StateStatus.SUCCESS: 1,
            StateStatus.QUEUED: 1,
        }
