"""The pages about flows and promises: the example prints what it shows, the tests named are there."""

from __future__ import annotations

import pytest

from groundup.nodes import RetryStrategyEnum, StateStatus, UnitesStrategyEnum
from tests.docs.pages import CHECKOUT, blocks
from tests.docs.tables import codes, table

FLOWS = (CHECKOUT / "docs/explanation/flows.md").read_text(encoding="utf-8")
PROMISES = (CHECKOUT / "docs/explanation/promises.md").read_text(encoding="utf-8")


def test_the_example_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    program, shown = blocks(FLOWS)
    exec(compile(program.text, "flows.md", "exec"), {"__name__": "flows"})  # noqa: S102 - the page's own
    assert capsys.readouterr().out == shown.text


def test_strategies_and_statuses_stand_there() -> None:
    assert {codes(row[0])[0] for row in table(FLOWS, "strategy")} == {
        each.value for each in UnitesStrategyEnum
    }
    words = {word for strategy in RetryStrategyEnum for word in strategy.value.split("_", 1)}
    assert words <= set(codes(FLOWS))
    ends = {StateStatus.SUCCESS, StateStatus.PRUNED, StateStatus.ERRORED, StateStatus.RETRY_CREATED}
    assert {each.value for each in ends} <= set(codes(FLOWS))


def test_every_promise_names_tests_that_are_there() -> None:
    for promise, tests in table(PROMISES, "promise"):
        files = [CHECKOUT / path for path in codes(tests.rstrip("| "))]
        assert files and all(file.is_file() for file in files), promise
