"""The options of commands that run a project or a script, for typer; and what they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundup.cli.options import option

if TYPE_CHECKING:
    from groundup.cli.commands.executing import Execution

SCRIPT_ARGUMENTS = {"allow_interspersed_args": False}
Arguments = Annotated[
    list[str] | None, typer.Argument(metavar="ARGUMENT", help="For the script, options included.")
]


def execution_options() -> list[Parameter]:
    """Return the options."""
    return [
        option(list[str] | None, None, "--env", metavar="NAME=VALUE", help="A variable; repeatable."),
        option(str | None, None, "--cwd", metavar="DIR", help="The working folder."),
        option(float | None, None, "--timeout", metavar="SECONDS",
               help="Then it is killed, with all that it started."),
        option(bool, False, "--json", help="Data for machines."),
    ]  # fmt: skip


def execution_of(given: Mapping[str, Any]) -> Execution:
    """Return what the options ask for, as typer gives them."""
    from groundup.cli.commands.executing import Execution

    return Execution(
        env=given["env"] or (), cwd=given["cwd"], timeout=given["timeout"], as_json=given["json"]
    )
