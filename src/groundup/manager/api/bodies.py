"""Bodies that are checked beyond what the models of the wire say."""

from __future__ import annotations

from pydantic import field_validator

from groundup.manager.engine.schedule import Schedule, zone
from groundup.manager.errors import RejectedError
from groundup.nodes.wire import CronTrigger, TriggerModel, UpsertGraphRequest


class CheckedCron(CronTrigger):
    """A cron trigger whose expression and zone are known."""

    @field_validator("expression")
    @classmethod
    def _check_expression(cls, value: str) -> str:
        try:
            Schedule(CronTrigger(expression=value))
        except RejectedError as error:
            raise ValueError(str(error)) from error
        return value

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, value: str | None) -> str | None:
        try:
            zone(value or "UTC")
        except RejectedError as error:
            raise ValueError(str(error)) from error
        return value


class CheckedTrigger(TriggerModel):
    """A trigger that can be due."""

    value: CheckedCron


class UpsertGraph(UpsertGraphRequest):
    """A flow with triggers that can be due."""

    triggers: list[CheckedTrigger] = []  # type: ignore[assignment]  # noqa: RUF012
