"""Commands of clients are declared by name or on a function, and never under a name that is taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from groundup import command, proto_kernel, state
from groundup.cli import target_command
from groundup.cli.app import app
from groundup.cli.target_command import BUILT_IN, Command, CommandError, declared, wants_clients


@pytest.fixture(autouse=True)
def _undeclared() -> Iterator[None]:
    before = dict(declared)
    yield
    declared.clear()
    declared.update(before)


@state
def migrated() -> None:
    """The database is migrated."""


def test_a_command_has_the_parameters_of_its_target_as_options() -> None:
    made = command("migrate", target=migrated)
    assert (made.target, made.options_of, made.function) == ("migrated", ("migrated",), None)
    assert declared["migrate"] is made


def test_other_states_may_give_the_options() -> None:
    made = command("migrate", target="migrated", options_of=["database", migrated])
    assert made.options_of == ("database", "migrated")


def test_a_function_becomes_a_command_and_stays_a_function() -> None:
    @command(target=migrated)
    def migrate_all(to: int = 0) -> dict[str, dict[str, int]]:
        """Migrate."""
        return {"migrated": {"to": to}}

    made = declared["migrate-all"]
    assert (made.target, made.help, made.function) == ("migrated", "Migrate.", migrate_all)
    assert migrate_all(3) == {"migrated": {"to": 3}}


def test_a_command_knows_where_it_is_declared() -> None:
    made = command("migrate", target=migrated)
    file, _, line = made.source.rpartition(":")
    assert file == __file__
    assert 'command("migrate", target=migrated)' in Path(file).read_text().splitlines()[int(line) - 1]


@pytest.mark.parametrize("name", ["Migrate", "-m", "mi grate", "mi_grate", "é"])
def test_a_name_that_cannot_be_typed_well_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="cannot be the name of a command"):
        command(name, target=migrated)


def test_two_commands_of_one_name_are_told_with_both_places() -> None:
    first = command("migrate", target=migrated)
    with pytest.raises(CommandError) as raised:
        command("migrate", target="other")
    assert first.source in str(raised.value)
    assert f"{__file__}:" in str(raised.value).replace(first.source, "")
    assert declared["migrate"] is first


def test_a_module_that_is_loaded_twice_declares_its_commands_twice() -> None:
    made = [command("migrate", target=migrated) for _ in range(2)]
    assert declared["migrate"] is made[1]


@pytest.mark.parametrize("name", sorted(BUILT_IN - {"help", "version"}))
def test_a_name_of_groundups_own_is_refused_with_its_place(name: str) -> None:
    with pytest.raises(CommandError, match=rf"there is a command {name} already: \S+/cli/app.py:\d+$"):
        command(name, target=migrated)


@pytest.mark.parametrize("name", proto_kernel.KERNEL_COMMANDS)
def test_a_name_of_the_kernel_is_refused_with_its_place(name: str) -> None:
    with pytest.raises(CommandError, match=r"\S+/proto_kernel.py:\d+$") as raised:
        command(name, target=migrated)
    line = int(str(raised.value).rpartition(":")[2])
    assert f'"{name}"' in Path(proto_kernel.__file__).read_text().splitlines()[line - 1]


def test_every_command_of_groundups_own_is_known_before_any_is_loaded() -> None:
    own = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert BUILT_IN - {"help", "version"} == own.keys() - declared.keys()


@pytest.mark.parametrize(
    ("words", "wants"),
    [
        ([], True),
        (["--help"], True),
        (["migrate", "--to", "3"], True),
        (["reach", "--help"], False),
        (["kernel", "status"], False),
        (["--version"], False),
    ],
)
def test_modules_of_clients_are_loaded_only_for_what_may_be_theirs(words: list[str], wants: bool) -> None:
    assert wants_clients(words) is wants


def test_a_command_of_the_configuration_clashes_too() -> None:
    made = command("migrate", target=migrated)
    with pytest.raises(CommandError) as raised:
        target_command.refuse_configured({"serve": "groundup.toml:3", "migrate": "groundup.toml:4"})
    assert made.source in str(raised.value)
    assert str(raised.value).endswith("groundup.toml:4")


def test_what_is_declared_is_a_command() -> None:
    assert isinstance(command("migrate", target=migrated), Command)


async def _awaited() -> dict[str, dict[str, object]]:
    return {}


def _generator() -> Iterator[dict[str, dict[str, object]]]:
    yield {}


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (5, "5 cannot be a command"),
        (int, "cannot be a command"),
        (_awaited, "_awaited is no plain function"),
        (_generator, "_generator is no plain function"),
    ],
)
def test_what_cannot_be_a_command_is_refused_with_its_place(thing: Any, message: str) -> None:
    with pytest.raises(CommandError, match=rf"test_target_command.py:\d+: .*{message}") as caught:
        command(target="built")(thing)
    assert caught.value.hint


def test_a_target_that_is_no_state_is_refused_with_its_place() -> None:
    with pytest.raises(CommandError, match=r"test_target_command.py:\d+: 5 is no state"):
        command("make", target=5)  # type: ignore[call-overload]
