"""The commands ``groundup project …`` as typer sees them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeAlias

import typer

from groundup.cli.execution_options import SCRIPT_ARGUMENTS, Arguments, execution_of, execution_options
from groundup.cli.options import taking
from groundup.cli.place import place_options, where_of

project_app = typer.Typer(help="Projects: scripts with what they require.")

Action: TypeAlias = Callable[[], int]
AsJson = Annotated[bool, typer.Option("--json", help="Data for machines.")]
ProjectId = Annotated[str, typer.Argument(metavar="ID", help="Id of a project.")]
Added = Annotated[
    list[str] | None,
    typer.Option("--with", metavar="NAME", help="A requirement besides; repeatable."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--override", metavar="MODULE=REQUIREMENT", help="Decides about an import; repeatable."),
]
Infer = Annotated[bool, typer.Option("--infer", help="Require what the script imports, too.")]


def refuse_idle_overrides(overrides: list[str] | None, infer: bool) -> None:
    """:raises typer.BadParameter: there are overrides that nothing would ask for."""
    if overrides and not infer:
        raise typer.BadParameter("it decides about imports: it needs --infer", param_hint="--override")


@project_app.callback(invoke_without_command=True)
def project_root(context: typer.Context) -> None:
    """Print the help when there is no command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@project_app.command()
def infer(
    script: Annotated[str, typer.Argument(metavar="SCRIPT", help="A file, or - for stdin.")],
    as_json: AsJson = False,
    added: Added = None,
    overrides: Overrides = None,
    write: Annotated[bool, typer.Option("--write", help="Put a script block into the file.")] = False,
) -> Action:
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


@project_app.command()
def create(  # noqa: PLR0913, PLR0917 - the options of the command
    script: Annotated[str, typer.Argument(metavar="SCRIPT", help="A file, or - for stdin.")],
    project_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Default: made from the file's name.")
    ] = None,
    added: Added = None,
    infer: Infer = False,
    overrides: Overrides = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a project of that id.")] = False,
    as_json: AsJson = False,
) -> Action:
    """Make a project from a script: resolve, lock, install."""
    from groundup.cli.commands import projects as command

    refuse_idle_overrides(overrides, infer)
    return partial(
        command.create,
        script,
        project_id=project_id,
        added=added or [],
        infer=infer,
        overrides=overrides or [],
        force=force,
        as_json=as_json,
    )


@project_app.command("list")
def list_all(as_json: AsJson = False) -> Action:
    """List all projects, with what they require."""
    from groundup.cli.commands import projects as command

    return partial(command.list_all, as_json=as_json)


@project_app.command()
def show(project_id: ProjectId, as_json: AsJson = False) -> Action:
    """Show a project: where it is, its Python, what is installed."""
    from groundup.cli.commands import projects as command

    return partial(command.show, project_id, as_json=as_json)


@project_app.command(context_settings=SCRIPT_ARGUMENTS)
@taking([*place_options(), *execution_options()])
def run(project_id: ProjectId, arguments: Arguments = None, **given: Any) -> Action:
    """Run a project, with its streams and its exit code; options of this command stand before ID."""
    from groundup.cli.commands import projects as command

    return partial(
        command.run, project_id, arguments or [], where=where_of(given), execution=execution_of(given)
    )


@project_app.command()
def remove(
    project_ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids of projects.")],
) -> Action:
    """Remove projects with their environments."""
    from groundup.cli.commands import projects as command

    return partial(command.remove, project_ids)


@project_app.command()
def gc(
    unused_days: Annotated[
        float, typer.Option("--unused-days", metavar="DAYS", min=0, help="How long nobody used it.")
    ] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: AsJson = False,
) -> Action:
    """Remove what scripts, containers and steps did not use for long, and what killed processes left."""
    from groundup.cli.commands import projects as command

    return partial(command.gc, unused_days=unused_days, dry_run=dry_run, as_json=as_json)
