"""When cron triggers are due."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.manager.engine.retry import LONGEST
from groundup.manager.engine.schedule import GRACE_MS, MOST_AT_ONCE, Plan, Schedule
from groundup.manager.errors import RejectedError
from groundup.nodes.wire import CronTrigger, MissedEnum

NOON = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000


def schedule(expression: str, timezone: str | None = None) -> Schedule:
    return Schedule(CronTrigger(expression=expression, timezone=timezone))


def times(expression: str, timezone: str, after: str, count: int) -> list[str]:
    """Local times, as a clock on the wall and its distance from UTC show them."""
    zone = ZoneInfo(timezone)
    start = int(datetime.fromisoformat(after).replace(tzinfo=zone).timestamp() * 1000)
    found = islice(schedule(expression, timezone).after(start), count)
    return [f"{datetime.fromtimestamp(moment / 1000, zone):%d %H:%M%z}" for moment in found]


def test_times_are_those_of_the_zone_and_of_utc_by_default() -> None:
    assert next(schedule("0 9 * * *").after(NOON)) == NOON + 21 * 60 * MINUTE
    assert next(schedule("0 9 * * *", "America/New_York").after(NOON)) == NOON + 60 * MINUTE


def test_six_fields_have_seconds_at_the_end() -> None:
    found = islice(schedule("* * * * * */20").after(NOON), 3)
    assert [moment - NOON for moment in found] == [20_000, 40_000, 60_000]


def test_when_clocks_are_set_back_a_certain_hour_happens_once_and_every_hour_each_time() -> None:
    assert times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", 2) == ["25 02:30+0200", "26 02:30+0100"]
    assert times("0 * * * *", "Europe/Berlin", "2026-10-25T01:30", 3) == [
        "25 02:00+0200",
        "25 02:00+0100",
        "25 03:00+0100",
    ]
    assert times("@daily", "America/Havana", "2026-10-31T12:00", 2) == ["01 00:00-0400", "02 00:00-0500"]


def test_when_clocks_are_set_forward_what_falls_into_the_gap_happens_at_its_end() -> None:
    assert times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", 2) == ["29 03:00+0200", "30 02:30+0200"]


def test_a_day_that_never_comes_is_an_error() -> None:
    with pytest.raises(RejectedError, match="failed to find next date"):
        next(schedule("0 0 31 2 *").after(NOON))


@pytest.mark.parametrize("missed", MissedEnum)
def test_nothing_is_due_early_and_a_time_that_has_come_is_due_once(missed: MissedEnum) -> None:
    every_minute = schedule("* * * * *")
    assert every_minute.plan(NOON, NOON - 1, missed) == Plan((), NOON)
    plan = every_minute.plan(NOON, NOON + 900, missed)
    assert plan == Plan((NOON,), NOON + MINUTE)
    assert every_minute.plan(plan.next_at, NOON + 1900, missed) == Plan((), NOON + MINUTE)


@pytest.mark.parametrize(
    ("missed", "hours"), [(MissedEnum.LATEST, [10]), (MissedEnum.ALL, [0, 5, 10]), (MissedEnum.NONE, [])]
)
def test_times_at_which_nobody_was_there(missed: MissedEnum, hours: list[int]) -> None:
    every_five_hours = schedule("0 2-22/5 * * *")  # 12, 17, 22
    plan = every_five_hours.plan(NOON, NOON + 11 * 60 * MINUTE, missed)
    assert plan.due == tuple(NOON + hour * 60 * MINUTE for hour in hours)
    assert plan.next_at == NOON + 14 * 60 * MINUTE


def test_what_is_little_late_counts_as_met() -> None:
    plan = schedule("* * * * * */10").plan(NOON, NOON + GRACE_MS - 1, MissedEnum.NONE)
    assert plan.due == tuple(NOON + step * 10_000 for step in range(6))


def test_very_many_missed_times_are_taken_in_portions_without_a_gap() -> None:
    every_second = schedule("* * * * * *")
    taken: list[int] = []
    plan = Plan((), NOON)
    while plan.next_at <= NOON + 250_000:
        plan = every_second.plan(plan.next_at, NOON + 250_000, MissedEnum.ALL)
        assert len(plan.due) <= MOST_AT_ONCE
        taken += plan.due
    assert taken == [NOON + second * 1000 for second in range(251)]


def test_the_latest_of_many_missed_times_is_found_at_once() -> None:
    plan = schedule("0 0 29 2 *").plan(0, NOON, MissedEnum.LATEST)
    assert [datetime.fromtimestamp(moment / 1000, UTC).year for moment in plan.due] == [2024]


def test_a_trigger_without_further_times_waits_for_ever() -> None:
    assert schedule("0 0 31 2 *").plan(NOON, NOON, MissedEnum.LATEST) == Plan((), LONGEST)


@given(
    expression=st.sampled_from(
        ["* * * * *", "*/7 * * * *", "30 2 * * *", "0 0 * * MON", "@hourly", "@monthly"]
    ),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    start=st.integers(0, 2 * 10**12),
)
def test_times_come_in_order_each_after_the_moment_asked_for(
    expression: str, timezone: str, start: int
) -> None:
    found = list(islice(schedule(expression, timezone).after(start), 5))
    assert found[0] > start
    assert all(first < second for first, second in pairwise(found))
    again = next(schedule(expression, timezone).after(found[0]))
    assert again == found[1]
