"""The commands as typer sees them: they parse, and give what is to be done as a function without parameters.

Typer has ideas of its own about interrupts and broken pipes; what is to be done runs after it has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from groundup import __version__
from groundup.cli.flow_app import flow_app
from groundup.cli.kernel_file import made_by
from groundup.cli.options import run_and_shown, run_options, taking
from groundup.cli.project_app import project_app
from groundup.cli.script_app import script_app
from groundup.cli.step_app import language_app, step_app
from groundup.cli.target_command import wants_clients
from groundup.errors import UserError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Commands of the neo runtime. The kernel's own are listed by `proto_kernel.py --help`.",
)
kernel_app = typer.Typer(help="The repository's copy of the kernel.")
app.add_typer(kernel_app, name="kernel")
app.add_typer(flow_app, name="flow")
app.add_typer(project_app, name="project")
app.add_typer(script_app, name="script")
app.add_typer(step_app, name="step")
app.add_typer(language_app, name="language")

Action: TypeAlias = Callable[[], int]
States = Annotated[list[str] | None, typer.Argument(metavar="STATE", help="Names of states.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="STATE.KEY=VALUE", help="A parameter of a state; repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Data for machines.")]


class Form(Enum):
    """How a graph is written."""

    TREE = "tree"
    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"


def run(words: list[str], kernel: Path | None = None) -> int:
    """Run one command and return its exit code.

    :param kernel: the repository's kernel; default: the one that made this environment.
    :raises UserError: the words are no command.
    """
    if wants_clients(words):
        from groundup.cli.client_commands import add_client_commands

        add_client_commands(app, words)
    action = parse(words, kernel)
    return action() if callable(action) else 0


def parse(words: list[str], kernel: Path | None) -> Action | int | None:
    """Return what the words of a command ask for; no function where typer did it, such as to give help.

    :raises UserError: the words are no command.
    """
    try:
        action: Action | int | None = app(words, prog_name="groundup", standalone_mode=False, obj=kernel)
    except Exception as error:
        if not hasattr(error, "format_message"):  # what marks typer's own errors in all its versions
            raise
        hint = "`groundup --help` lists the commands, `groundup COMMAND --help` options"
        raise UserError(error.format_message(), hint=hint) from None
    return action


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version of the package.")] = False,
) -> None:
    """Print the version or the help when there is no command."""
    if version:
        typer.echo(f"groundup {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@kernel_app.callback(invoke_without_command=True)
def kernel_root(context: typer.Context) -> None:
    """Print the help when there is no command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def quickstart(as_json: AsJson = False) -> Action:
    """Go from this environment to the result of a flow, through real states."""
    from groundup.cli.commands import quickstart as command

    return partial(command.quickstart, as_json=as_json)


@app.command()
@taking(run_options())
def reach(states: States = None, **given: Any) -> Action:
    """Reach states; without names the configured target."""
    from groundup.cli.commands import reach as command
    from groundup.cli.running import Options

    options, shown = run_and_shown(given)
    return partial(command.reach, states or [], Options(**options), shown)


@app.command()
def why(
    state: Annotated[str, typer.Argument(metavar="STATE", help="Name of a state.")],
    settings: Settings = None,
    as_json: AsJson = False,
) -> Action:
    """Say what makes a state not up to date, with old and new values, and through which parents."""
    from groundup.cli.commands import why as command
    from groundup.cli.running import Options

    return partial(command.why, state, Options(settings=settings or []), as_json=as_json)


@app.command()
def graph(
    states: States = None,
    form: Annotated[Form, typer.Option("--format", help="How to write it.")] = Form.TREE,
    children: Annotated[bool, typer.Option("--children", help="Show who needs them instead.")] = False,
) -> Action:
    """Show what states need; without names all of them."""
    from groundup.cli.commands import graph as command

    return partial(command.graph, states or [], form=form.value, children=children)


@app.command("states")
def list_states(
    pattern: Annotated[str, typer.Argument(help="A glob pattern, or a part of names.")] = "",
    long: Annotated[bool, typer.Option("--long", "-l", help="All that is declared of each.")] = False,
    as_json: AsJson = False,
) -> Action:
    """List states by what brought them into the graph; without a pattern all of them."""
    from groundup.cli.commands import states as command

    return partial(command.states, pattern, long=long, as_json=as_json)


@app.command()
def doctor(settings: Settings = None, as_json: AsJson = False) -> Action:
    """Check the machine and the repository, and say what to do; exit 1 when a check failed."""
    from groundup.cli.commands import doctor as command
    from groundup.cli.running import Options

    return partial(command.doctor, Options(settings=settings or []), as_json=as_json)


@app.command()
def poll(  # noqa: PLR0913, PLR0917 - the options of a worker
    nodes: Annotated[
        list[str] | None,
        typer.Option(
            "--node", metavar="MODULE:CLASS", help="A node class; repeatable; default: those configured."
        ),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option(help="Where the nodes are registered.", show_default="default")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of this worker.", show_default="the machine's")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many node states are executed at once.", show_default="4")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="How many are asked for at once.", show_default="16")
    ] = None,
    grace_period: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds that running ones have to end after SIGTERM.", show_default="30"),
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where metrics for Prometheus are served.")
    ] = None,
    metrics_host: Annotated[
        str | None, typer.Option(help="The address for them.", show_default="127.0.0.1")
    ] = None,
) -> Action:
    """Poll a state manager for work and execute it; without a configured one the embedded one is used."""
    from groundup.cli.commands import poll as command

    return partial(
        command.poll,
        nodes or [],
        namespace=namespace,
        name=name,
        workers=workers,
        batch_size=batch_size,
        grace_period=grace_period,
        metrics_port=metrics_port,
        metrics_host=metrics_host,
    )


@app.command()
def serve(  # noqa: PLR0913, PLR0917 - the options of a manager
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    database: Annotated[
        str | None,
        typer.Option(help="sqlite:///… or postgresql://…; default: .groundup/manager.db in root."),
    ] = None,
    keep_runs: Annotated[
        float | None, typer.Option(min=0, help="Hours that finished runs are kept; default: for ever.")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where metrics for Prometheus are served.")
    ] = None,
    metrics_host: Annotated[str, typer.Option(help="The address for them.")] = "127.0.0.1",
) -> Action:
    """Serve a state manager, which hands out work to workers on any machine."""
    from groundup.cli.commands import serve as command

    return partial(
        command.serve,
        host=host,
        port=port,
        database=database,
        keep_runs=keep_runs,
        metrics_port=metrics_port,
        metrics_host=metrics_host,
    )


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The repository's folder.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> Action:
    """Drop the kernel, its pins and a commented configuration into a repository."""
    from groundup.cli.commands import init as command

    return partial(command.init, folder, force=force)


@kernel_app.command()
def status(context: typer.Context, as_json: AsJson = False) -> Action:
    """Compare the repository's kernel with the package's; exit 1 when they differ."""
    from groundup.cli.commands import kernel as command

    return partial(command.status, context.obj or made_by(), as_json=as_json)


@kernel_app.command()
def update(context: typer.Context) -> Action:
    """Replace the repository's kernel by the package's."""
    from groundup.cli.commands import kernel as command

    return partial(command.update, context.obj or made_by())
