"""When cron triggers are due: expressions, time zones, and what becomes of times that were missed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from groundup.manager.engine.retry import LONGEST
from groundup.manager.errors import RejectedError
from groundup.nodes.wire import CronTrigger, MissedEnum

GRACE_MS = 60_000
"""How late a time may be and still count as met."""

MOST_AT_ONCE = 100
"""How many times of one trigger are taken together; the rest follows in the next round."""


@dataclass(frozen=True)
class Plan:
    """Times to trigger at now, and the one to wait for; milliseconds."""

    due: tuple[int, ...]
    next_at: int


class Schedule:
    """The times of a cron expression in a time zone.

    What stands at a certain hour happens once on the day on which clocks are set back, and at the end of the
    gap on the day on which they are set forward.

    :raises RejectedError: for an expression or a zone that is none.
    """

    def __init__(self, trigger: CronTrigger) -> None:
        if not croniter.is_valid(trigger.expression):
            raise RejectedError("Invalid cron expression", hint="write five fields, for example 0 9 * * MON")
        self._expression = trigger.expression.strip()
        self._zone = zone(trigger.timezone or "UTC")

    @cached_property
    def _every_hour(self) -> bool:
        if self._expression.startswith("@"):
            return self._expression == "@hourly"
        return self._expression.split()[1].startswith("*")

    def after(self, moment: int) -> Iterator[int]:
        """The times after ``moment``, in order; milliseconds.

        :raises RejectedError: when there is none.
        """
        start = datetime.fromtimestamp(moment // 1000, UTC).astimezone(self._zone)
        times = croniter(self._expression, start)
        while True:
            try:
                found: datetime = times.get_next(datetime)
            except CroniterError as error:
                raise RejectedError(str(error), hint="the expression names no day that exists") from error
            if self._every_hour or not _is_repeated(found):
                yield int(found.timestamp()) * 1000

    def plan(self, next_at: int, now: int, missed: MissedEnum) -> Plan:
        """What to do at ``now`` when ``next_at`` was waited for."""
        first = next_at - 1000 if missed is MissedEnum.ALL else max(next_at - 1000, now - GRACE_MS)
        due = tuple(islice(self._between(first, now), MOST_AT_ONCE))
        if not due and missed is MissedEnum.LATEST and next_at <= now - GRACE_MS:
            due = (self._latest(next_at, now),)
        done = due[-1] if len(due) == MOST_AT_ONCE else max(now, next_at - 1000)
        return Plan(due, self._next(done))

    def _between(self, moment: int, last: int) -> Iterator[int]:
        """The times after ``moment`` up to ``last``, as far as there are any."""
        with suppress(RejectedError):
            yield from takewhile(lambda time: time <= last, self.after(moment))

    def _next(self, moment: int) -> int:
        try:
            return next(self.after(moment))
        except RejectedError:
            return LONGEST  # never

    def _latest(self, next_at: int, now: int) -> int:
        """The last time up to ``now``, which is ``next_at`` or later."""
        step = GRACE_MS
        while (since := now - step) > next_at:
            times = list(self._between(since, now))
            if times:
                return times[-1]
            step *= 8
        return max(self._between(next_at - 1000, now), default=next_at)


def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name.

    :raises RejectedError: when there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise RejectedError(
            f"Unknown time zone {name!r}", hint="write a name such as Europe/Berlin"
        ) from error


def _is_repeated(moment: datetime) -> bool:
    """Whether the clock showed this before, an hour ago."""
    return moment.fold == 1
