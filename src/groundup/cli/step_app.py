"""The commands ``groundup step …`` and ``groundup language …`` as typer sees them."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from groundup.cli.options import taking
from groundup.cli.place import place_options, where_of

step_app = typer.Typer(help="Steps: pieces of work with typed inputs and outputs, in any language.")
language_app = typer.Typer(help="Languages that steps are written in.")

Action = Callable[[], int]
AsJson = Annotated[bool, typer.Option("--json", help="Data for machines.")]


class SchemaName(Enum):
    """The published JSON schemas."""

    STEP = "step"
    GIVEN = "given"
    LANGUAGE = "language"


@step_app.callback(invoke_without_command=True)
def step_root(context: typer.Context) -> None:
    """Print the help when there is no command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@language_app.callback(invoke_without_command=True)
def language_root(context: typer.Context) -> None:
    """Print the help when there is no command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@step_app.command()
@taking(place_options())
def run(  # noqa: PLR0913 - the options of a run
    step: Annotated[str, typer.Argument(metavar="STEP", help="A step file: YAML, JSON or TOML.")],
    *,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input", metavar="NAME=VALUE", help="An input; JSON unless it is a string; repeatable."
        ),
    ] = None,
    artifacts: Annotated[
        list[str] | None,
        typer.Option("--artifact", metavar="NAME=FILE", help="An input from a JSON file; repeatable."),
    ] = None,
    component: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder with the code; default: the step file's.")
    ] = None,
    timeouts: Annotated[
        list[str] | None,
        typer.Option("--timeout", metavar="PHASE=SECONDS", help="The limit of a phase; repeatable."),
    ] = None,
    variables: Annotated[
        list[str] | None,
        typer.Option("--env", metavar="NAME=VALUE", help="A variable for the run; repeatable."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write the outputs as JSON files.")
    ] = None,
    as_json: AsJson = False,
    **given: Any,
) -> Action:
    """Check a step and its inputs, run it, check and print its outputs."""
    from groundup.cli.commands import step as command

    return partial(
        command.run,
        step,
        where=where_of(given),
        inputs=inputs or [],
        artifacts=artifacts or [],
        component=component,
        timeouts=timeouts or [],
        variables=variables or [],
        output=output,
        as_json=as_json,
    )


@step_app.command()
def schema(
    name: Annotated[
        SchemaName, typer.Argument(metavar="NAME", help="step, given or language.")
    ] = SchemaName.STEP,
) -> Action:
    """Print the JSON schema of step files, of what executables are given, or of language.json."""
    from groundup.cli.commands import step as command

    return partial(command.schema, name.value)


@language_app.command("list")
def list_languages(as_json: AsJson = False) -> Action:
    """List the languages that are built in and those of the configuration."""
    from groundup.cli.commands import language as command

    return partial(command.list_languages, as_json=as_json)


@language_app.command()
@taking(place_options())
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Default: all.")] = None,
    as_json: AsJson = False,
    **given: Any,
) -> Action:
    """Check that languages keep the contract and can be installed; exit 1 when one does not."""
    from groundup.cli.commands import language as command

    return partial(command.check, names or [], where=where_of(given), as_json=as_json)
