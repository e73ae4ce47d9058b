"""The reference of the library names what is there, and nothing that is not."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from groundup import dag
from groundup.dag import testing, uptodate
from groundup.dag.output import Capture
from groundup.dag.uptodate import Tracker
from tests.docs.pages import CHECKOUT
from tests.docs.tables import codes, table

PAGE = (CHECKOUT / "docs/reference/dag-library.md").read_text(encoding="utf-8")


def first_column(first: str) -> list[str]:
    return [code for row in table(PAGE, first) for code in codes(row[0])]


def keywords(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_exported_name_stands_there() -> None:
    named = set(re.findall(r"\w+", " ".join(codes(PAGE))))
    assert set(dag.__all__) - {"AnyState"} <= named


def test_every_keyword_of_the_decorator_stands_there() -> None:
    rows = table(section("Declaring states"), "keyword")
    assert [codes(row[0])[0] for row in rows] == keywords(dag.state)


def test_every_keyword_of_the_runner_stands_there() -> None:
    rows = table(section("Runner"), "keyword")
    assert sorted(codes(row[0])[0] for row in rows) == sorted(keywords(dag.Runner))


def test_attributes_are_there() -> None:
    for kind in (dag.State, dag.Report, dag.Outcome):
        article = "an" if kind is dag.Outcome else "a"
        there = {name.partition("(")[0] for name in first_column(f"attribute of {article} `{kind.__name__}`")}
        attributes = {name for name, what in vars(kind).items() if not (name[0] == "_" or callable(what))}
        assert there <= set(dir(kind)), there - set(dir(kind))
        assert attributes - {"given", "stored", "params"} <= there, attributes - there


def test_every_status_and_event_stands_there() -> None:
    assert first_column("status") == [str(status) for status in dag.Status]
    events = [codes(row[0])[0] for row in table(PAGE, "event")]
    assert events == ["Started", "Retrying", "Waiting", "Finished"]
    assert {getattr(dag, name) for name in events} == set(dag.Event.__args__)


def test_signatures_are_as_they_are_called() -> None:
    called: dict[str, Callable[..., Any]]
    called = {"Tracker": Tracker, "Capture": Capture, "groundup.dag.testing.reach": testing.reach}
    for name, function in called.items():
        (written,) = re.findall(rf"`{name}\((.+?)\)`", PAGE.replace("=()", "="))
        described = [part.partition("=")[0].strip() for part in written.split(",")]
        real = list(inspect.signature(function).parameters)
        assert [part for part in described if part.isidentifier()] == real


def test_every_error_stands_there() -> None:
    of_dag = {name for name in dag.__all__ if name.endswith("Error")}
    of_uptodate = {f"uptodate.{name}" for name in uptodate.__all__ if name.endswith("Error")}
    assert set(first_column("error")) == of_dag | of_uptodate
