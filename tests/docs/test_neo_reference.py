"""The pages about the package name its commands, its rooms and its dependencies as they are."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import typer.main

from groundup.cli.app import app
from tests.docs.pages import CHECKOUT
from tests.docs.tables import codes, names, table

COMMANDS = (CHECKOUT / "docs/reference/commands.md").read_text(encoding="utf-8")
DEPENDENCIES = (CHECKOUT / "docs/explanation/dependencies.md").read_text(encoding="utf-8")
ARCHITECTURE = (CHECKOUT / "docs/explanation/architecture.md").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))


def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def long_options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")}


def test_every_command_stands_there() -> None:
    described = {re.sub(r" \[.*", "", codes(row[0])[0]) for row in table(COMMANDS, "command")}
    assert described - {"--version"} == {name for name, _ in commands(typer.main.get_command(app))}


def test_every_option_stands_there() -> None:
    for name, command in commands(typer.main.get_command(app)):
        for option in long_options(command) - {"--help"}:
            assert f"`{option}" in COMMANDS or f"[{option}" in COMMANDS, (name, option)


def distributions(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in requirements} - {"groundup"}


def section(title: str) -> set[str]:
    text = re.split(r"(?m)^## ", DEPENDENCIES)
    (found,) = (part for part in text if part.startswith(title))
    return {name.strip() for row in table(found, "library") for name in row[0].split(",")}


def test_every_dependency_has_its_reason() -> None:
    project = PROJECT["project"]
    assert section("Base") == distributions(project["dependencies"])
    for extra in ("nodes", "manager", "languages", "containers"):
        assert section(f"Extra `{extra}`") == distributions(project["optional-dependencies"][extra])
    development = [*PROJECT["dependency-groups"]["dev"], *PROJECT["build-system"]["requires"]]
    assert section("Development") == distributions(development)
    assert set(project["optional-dependencies"]) == {"nodes", "manager", "languages", "containers", "all"}


def test_every_room_stands_there() -> None:
    package = CHECKOUT / "src/groundup"
    rooms = {f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").is_file()}
    files = {path.name for path in package.glob("*.py") if not path.name.startswith("__")}
    assert set(names(table(ARCHITECTURE, "room"))) >= rooms | files


def test_the_floors_are_those_that_are_checked() -> None:
    contract = next(c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    checked = [layer.replace("groundup.", "").split(" | ") for layer in contract["layers"]]
    drawn = ARCHITECTURE.partition("## Floors")[2].partition("```text\n")[2].partition("```")[0]
    assert [line.split() for line in drawn.splitlines()] == checked
