"""The page of built-in states names every one of them, with its parameters and their defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from groundup.dag import State
from groundup.states import builtin_graph
from groundup.states.parameters import Command, GitHooks
from tests.docs.pages import CHECKOUT, headings
from tests.docs.tables import codes, table

PAGE = (CHECKOUT / "docs/reference/built-in-states.md").read_text(encoding="utf-8")
STATES = {state.name: state for state in builtin_graph() if not state.name.startswith("quickstart")}


def fields(state: State[..., Any]) -> list[str]:
    return list(state.params.wanted.model_fields) if state.params else []


def test_every_state_stands_there_with_its_parameters() -> None:
    described = {codes(row[0])[0]: codes(row[2]) for row in table(PAGE, "state")}
    assert described == {name: fields(state) for name, state in STATES.items()}


def test_every_state_has_a_section() -> None:
    titles = " ".join(re.findall(r"(?m)^## (.+)$", PAGE)).replace(",", "").split()
    assert set(titles) == STATES.keys()
    assert headings(PAGE) >= {"git_hooks", "doctor"}


def defaults(model: Any) -> Mapping[str, Any]:
    return {name: field.default for name, field in model.model_fields.items()}


def test_parameters_of_hooks_stand_there() -> None:
    rows = {codes(row[0])[0]: row for row in table(PAGE, "parameter")}
    assert rows.keys() == defaults(GitHooks).keys()
    assert codes(rows["folder"][1]) == [defaults(GitHooks)["folder"]]
    managers = re.findall(r"'([a-z-]+)'", str(GitHooks.model_fields["manager"].annotation))
    assert codes(rows["manager"][2]) == managers


def test_keys_of_commands_stand_there() -> None:
    assert [codes(row[0])[0] for row in table(PAGE, "key")] == list(Command.model_fields)
    assert str(defaults(Command)["version_args"]).replace("'", '"') in PAGE


def test_declared_inputs_stand_there() -> None:
    line = next(line for line in PAGE.splitlines() if line.startswith("- **Inputs**"))
    assert tuple(codes(line)) == STATES["git_hooks"].inputs
