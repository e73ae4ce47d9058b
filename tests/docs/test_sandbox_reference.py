"""The reference of the sandbox names what there is."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import get_args

from groundup.execution.sandbox import SandboxExecutionRuntime, SandboxLimits
from groundup.execution.sandbox.errors import Reason
from groundup.execution.sandbox.user import DEFAULT_UID
from tests.docs.pages import CHECKOUT
from tests.docs.tables import names, table

PAGE = (CHECKOUT / "docs/reference/sandbox.md").read_text(encoding="utf-8")


def test_every_limit_stands_there_with_its_default() -> None:
    described = {names([row])[0]: row[1] for row in table(PAGE, "limit")}
    assert set(described) == {each.name for each in fields(SandboxLimits)}
    for name, default in described.items():
        value = None if default == "none" else default
        number = int(value) if value is not None and value.isdigit() else value
        limits = SandboxLimits.of({name: number})
        assert getattr(limits, name) == getattr(SandboxLimits(), name), name


def test_every_setting_stands_there() -> None:
    parameters = set(inspect.signature(SandboxExecutionRuntime.__init__).parameters)
    rows = table(PAGE, "setting")
    assert set(names(rows)) == parameters - {"self", "limits"}
    assert rows[1][1] == str(DEFAULT_UID)


def test_every_reason_stands_there() -> None:
    assert set(names(table(PAGE, "reason"))) == set(get_args(Reason))
