"""The commands ``groundup script …`` as typer sees them."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from groundup.cli.execution_options import SCRIPT_ARGUMENTS, Arguments, execution_of, execution_options
from groundup.cli.options import taking
from groundup.cli.place import place_options, where_of
from groundup.cli.project_app import Action, Added, Infer, Overrides, refuse_idle_overrides

script_app = typer.Typer(help="Scripts that are no projects.")


@script_app.callback(invoke_without_command=True)
def script_root(context: typer.Context) -> None:
    """Print the help when there is no command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@script_app.command(context_settings=SCRIPT_ARGUMENTS)
@taking([*place_options(), *execution_options()])
def run(
    script: Annotated[str, typer.Argument(metavar="SCRIPT", help="A file, or - for stdin.")],
    arguments: Arguments = None,
    added: Added = None,
    infer: Infer = False,
    overrides: Overrides = None,
    **given: Any,
) -> Action:
    """Run a script with what it requires; options of this command stand before SCRIPT."""
    from groundup.cli.commands import script as command

    refuse_idle_overrides(overrides, infer)
    return partial(
        command.run,
        script,
        arguments or [],
        where=where_of(given),
        execution=execution_of(given),
        added=added or [],
        infer=infer,
        overrides=overrides or [],
    )
