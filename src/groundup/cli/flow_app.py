"""The commands ``groundup flow …`` as typer sees them."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Annotated, TypeAlias

import typer

flow_app = typer.Typer(help="Flows of nodes, and their runs, at the state manager.")

Action: TypeAlias = Callable[[], int]
AsJson = Annotated[bool, typer.Option("--json", help="Data for machines.")]
Namespace = Annotated[str, typer.Option("--namespace", metavar="NAME", help="Where the flows are.")]
Flow = Annotated[str, typer.Argument(metavar="FLOW", help="Name of a flow.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="Id of a run.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for its end; exit 1 when it did not succeed.")]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0, help="Wait no longer than that; then exit 124."),
]


class Status(Enum):
    """Statuses of runs."""

    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@flow_app.callback(invoke_without_command=True)
def flow_root(context: typer.Context) -> None:
    """Print the help when there is no command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@flow_app.command()
def apply(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE", help="Flow files, or folders of them.", show_default="the folder flows"
        ),
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="For flows that do not say it themselves.", show_default="default"),
    ] = None,
    no_register: Annotated[
        bool, typer.Option("--no-register", help="Do not register the repository's nodes before.")
    ] = False,
    as_json: AsJson = False,
) -> Action:
    """Save the flows in files; exit 1 when one cannot run."""
    from groundup.cli.commands import flow as command

    return partial(command.apply, files or [], namespace=namespace, register=not no_register, as_json=as_json)


@flow_app.command()
def schema() -> Action:
    """Print the JSON schema of flow files."""
    from groundup.cli.commands import flow as command

    return command.schema


@flow_app.command("list")
def list_flows(namespace: Namespace = "default", as_json: AsJson = False) -> Action:
    """List the flows of a namespace."""
    from groundup.cli.commands import flow as command

    return partial(command.list_flows, namespace=namespace, as_json=as_json)


@flow_app.command()
def show(flow: Flow, namespace: Namespace = "default", as_json: AsJson = False) -> Action:
    """Show a flow: its nodes, what it waits for, and why it cannot run."""
    from groundup.cli.commands import flow as command

    return partial(command.show, flow, namespace=namespace, as_json=as_json)


@flow_app.command()
def delete(
    flows: Annotated[list[str], typer.Argument(metavar="FLOW", help="Names of flows.")],
    namespace: Namespace = "default",
) -> Action:
    """Remove flows with their triggers; their runs go on."""
    from groundup.cli.commands import flow as command

    return partial(command.delete, flows, namespace=namespace)


@flow_app.command()
def trigger(  # noqa: PLR0913, PLR0917 - the options of a run
    flow: Flow,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME=VALUE", help="An input of the root node; repeatable."),
    ] = None,
    store: Annotated[
        list[str] | None,
        typer.Option("--store", metavar="KEY=VALUE", help="A value of the run's store; repeatable."),
    ] = None,
    delay: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="How long the root node waits.")] = 0,
    wait: Wait = False,
    timeout: Timeout = None,
    namespace: Namespace = "default",
    as_json: AsJson = False,
) -> Action:
    """Start a run of a flow, and print its id."""
    from groundup.cli.commands import flow_runs as command

    return partial(
        command.trigger,
        flow,
        inputs=inputs or [],
        store=store or [],
        delay=delay,
        wait=wait or timeout is not None,
        timeout=timeout,
        namespace=namespace,
        as_json=as_json,
    )


@flow_app.command()
def runs(
    flow: Annotated[str | None, typer.Argument(metavar="FLOW", help="Only runs of this flow.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only runs in this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20,
    namespace: Namespace = "default",
    as_json: AsJson = False,
) -> Action:
    """List runs, the newest first."""
    from groundup.cli.commands import flow_runs as command

    return partial(
        command.runs,
        flow,
        status=status.value if status else None,
        limit=limit,
        namespace=namespace,
        as_json=as_json,
    )


@flow_app.command("run")
def show_run(
    run: Run,
    wait: Wait = False,
    timeout: Timeout = None,
    namespace: Namespace = "default",
    as_json: AsJson = False,
) -> Action:
    """Show a run as the tree of its node states: status, attempts, errors."""
    from groundup.cli.commands import flow_runs as command

    return partial(
        command.show,
        run,
        wait=wait or timeout is not None,
        timeout=timeout,
        namespace=namespace,
        as_json=as_json,
    )


@flow_app.command()
def cancel(run: Run, namespace: Namespace = "default", as_json: AsJson = False) -> Action:
    """End a run: what waits or is executed fails, and nothing follows."""
    from groundup.cli.commands import flow_runs as command

    return partial(command.cancel, run, namespace=namespace, as_json=as_json)


@flow_app.command()
def retry(run: Run, namespace: Namespace = "default", as_json: AsJson = False) -> Action:
    """Run everything that failed in a run again, with all its attempts."""
    from groundup.cli.commands import flow_runs as command

    return partial(command.retry, run, namespace=namespace, as_json=as_json)
