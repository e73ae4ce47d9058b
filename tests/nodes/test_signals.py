"""What a node may raise instead of returning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from groundup.nodes import PruneSignal, ReQueueAfterSignal
from groundup.nodes.errors import RuntimeConfigurationError


def test_a_delay_is_rounded_up_to_milliseconds() -> None:
    assert ReQueueAfterSignal(timedelta(seconds=1.5)).milliseconds == 1500
    assert ReQueueAfterSignal(timedelta(microseconds=1)).milliseconds == 1
    assert ReQueueAfterSignal(delay=timedelta(days=1)).milliseconds == 86_400_000


def test_a_time_is_a_delay_from_now_on() -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    assert 3_590_000 < ReQueueAfterSignal(at=at).milliseconds <= 3_600_000
    elsewhere = at.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    assert 3_590_000 < ReQueueAfterSignal(at=elsewhere).milliseconds <= 3_600_000


def test_a_time_that_has_passed_means_at_once() -> None:
    assert ReQueueAfterSignal(at=datetime(2000, 1, 1, tzinfo=UTC)).milliseconds == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"delay": timedelta()}, "Delay must be greater than 0"),
        ({"delay": timedelta(seconds=-1)}, "Delay must be greater than 0"),
        ({}, "ReQueueAfterSignal needs a delay or a time"),
        ({"at": datetime(2026, 1, 1)}, "the time 2026-01-01T00:00:00 has no time zone"),
        ({"delay": timedelta(1), "at": datetime.now(UTC)}, "ReQueueAfterSignal needs a delay or a time"),
    ],
)
def test_what_is_no_time_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RuntimeConfigurationError) as caught:
        ReQueueAfterSignal(**arguments)
    assert str(caught.value) == message


def test_a_prune_carries_its_data() -> None:
    assert (PruneSignal().data, PruneSignal({"a": 1}).data) == ({}, {"a": 1})
