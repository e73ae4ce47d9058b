"""The commands ``groundup project …`` as typer sees them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

project_app = typer.Typer(help="Projects: scripts with what they require.")


@project_app.callback(invoke_without_command=True)
def project_root(context: typer.Context) -> None:
    """Print the help when there is no command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@project_app.command()
def infer(
    script: Annotated[str, typer.Argument(metavar="SCRIPT", help="A file, or - for stdin.")],
    as_json: Annotated[bool, typer.Option("--json", help="Data for machines.")] = False,
    added: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME", help="A requirement besides; decides; repeatable."),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--override", metavar="MODULE=REQUIREMENT", help="Decides about an import; repeatable."),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Put a script block into the file.")] = False,
) -> Callable[[], int]:
    """Say what a script requires by its imports, and the evidence for each distribution."""
    from groundup.cli.commands import project as command

    return partial(
        command.infer_command,
        script,
        added=added or [],
        overrides=overrides or [],
        as_json=as_json,
        write=write,
    )
