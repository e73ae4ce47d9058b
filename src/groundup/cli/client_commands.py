"""The commands of clients, for typer: loaded when a word is none of groundup's own, and for ``--help``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from inspect import Parameter, cleandoc
from typing import Any

import typer

from groundup import proto_kernel
from groundup.cli.client_options import options_of, params_of
from groundup.cli.failures import tell
from groundup.cli.options import run_and_shown, run_options, taking
from groundup.cli.running import Options, Repository, repository
from groundup.cli.shown import Shown
from groundup.cli.target_command import Command, declared, refuse_configured
from groundup.config.provenance import shown as shown_place
from groundup.dag.params.source import ParamSource
from groundup.errors import GroundupError

PANEL = "Commands of this repository"


def add_client_commands(app: typer.Typer, words: list[str]) -> None:
    """Add the commands of the repository's modules of states to `app`; for help as far as they are in order.

    :raises GroundupError: the configuration, a module, or a command is wrong.
    """
    if words and not words[0].startswith("-"):
        _add_all(app)
    elif proto_kernel.read_stamp(sys.prefix) is not None:
        try:
            _add_all(app)
        except (GroundupError, proto_kernel.KernelError) as error:
            tell(f"commands of this repository are left out: {error}", error.hint, word="warning:")


def built_in_place(name: str) -> str:
    """Return file and line of a command of groundup itself."""
    from groundup.cli.app import app
    from groundup.cli.app import run as app_run

    callbacks = [(info.name, info.callback) for info in app.registered_commands if info.callback]
    functions = {own or function.__name__: function for own, function in callbacks}
    code = getattr(functions.get(name), "__code__", app_run.__code__)
    return f"{code.co_filename}:{code.co_firstlineno}"


def _add_all(app: typer.Typer) -> None:
    here = repository()
    config = here.config
    configured = config.values.get("commands") or {}
    refuse_configured({name: config.place("commands", name) for name in configured if name in declared})
    for command in declared.values():
        _add(app, command, here)


def _add(app: typer.Typer, command: Command, here: Repository) -> None:
    own = options_of(command, here)
    taken = {name for each in own for name in each.field.names.split("/")}
    others = [each for each in run_options() if not taken.intersection(_names(each))]
    parameters = [each.field.parameter.replace(name=each.argument) for each in own]

    @taking([*parameters, *others])
    def callback(**given: Any) -> Any:
        options, shown = run_and_shown({each.name: given[each.name] for each in others})
        return partial(
            _reach, command, partial(params_of, command, own, here, given), Options(**options), shown
        )

    app.command(command.name, help=_help(command, here), rich_help_panel=PANEL)(callback)


def _reach(command: Command, params: Callable[[], ParamSource], options: Options, shown: Shown) -> int:
    from groundup.cli.commands.reach import reach

    return reach([command.target], options._replace(params=params()), shown)


def _names(parameter: Parameter) -> list[str]:
    names: list[str] = parameter.annotation.__metadata__[0].param_decls
    return names


def _help(command: Command, here: Repository) -> str:
    from rich.markup import escape

    reaches = f"Reaches {command.target}."
    about = cleandoc(command.help or here.graph[command.target].description) or reaches
    first, _, rest = about.partition("\n")
    place = shown_place(command.source, here.config.root)
    return escape(f"{first} ({place})\n{rest}\n\n{reaches if about != reaches else ''}")
