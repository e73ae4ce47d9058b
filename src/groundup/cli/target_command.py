"""Commands that clients declare: each parses its options into parameters of states and reaches a target.

::

    from groundup import command

    command("migrate", target="database_migrated")  # its options are the target's parameters

    @command(target="deployed")  # its options are the function's parameters
    def deploy(region: str, fast: bool = False) -> dict[str, dict[str, object]]:
        "Deploy what was built."
        return {"deployed": {"region": region, "checks": not fast}}

This is imported by modules of states, on the way of every run: it imports nothing that draws or parses.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any, NamedTuple, TypeAlias, TypeVar, overload

from groundup import proto_kernel
from groundup.dag import AnyState
from groundup.dag.annotations import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from groundup.errors import UserError

OWN = (
    "doctor flow graph help init kernel language poll project quickstart "
    "reach script serve states step version why"
)
BUILT_IN = frozenset(OWN.split())
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
NOT_PLAIN = CO_ASYNC_GENERATOR | CO_COROUTINE | CO_GENERATOR

Given: TypeAlias = Mapping[str, Mapping[str, Any]]
F = TypeVar("F", bound=Callable[..., Given])


class CommandError(UserError):
    """A command cannot be declared like this."""


class Command(NamedTuple):
    """A command of a client.

    :ivar name: the word that is typed.
    :ivar target: name of the state that it reaches.
    :ivar help: what it is about; empty where the target's description says it.
    :ivar options_of: names of the states whose parameters are its options.
    :ivar function: gives the parameters of states from its own, which are the options then.
    :ivar file: where it is declared.
    :ivar line: line in `file`, counted from 1.
    """

    name: str
    target: str
    help: str
    options_of: tuple[str, ...]
    function: Callable[..., Given] | None
    file: str
    line: int

    @property
    def source(self) -> str:
        """File and line, as ``file:line``."""
        return f"{self.file}:{self.line}"


declared: dict[str, Command] = {}
"""The commands that were declared in this process, by name."""


@overload
def command(
    name: str,
    /,
    *,
    target: str | AnyState,
    help: str = "",
    options_of: Iterable[str | AnyState] | None = None,
) -> Command: ...


@overload
def command(*, target: str | AnyState, name: str = "", help: str = "") -> Callable[[F], F]: ...


def command(
    declared_name: str = "",
    /,
    *,
    target: str | AnyState,
    name: str = "",
    help: str = "",  # noqa: A002 - as typer and argparse call it
    options_of: Iterable[str | AnyState] | None = None,
) -> Command | Callable[[F], F]:
    """Declare a command that reaches a state; ``groundup --help`` lists it with its source.

    ``command("migrate", target=…)``: its options are the parameters of states. ``@command(target=…)`` on a
    function: its options are the function's parameters, and it returns parameters of states, by state and
    key. An annotation ``Annotated[T, "text"]`` gives an option its help.

    :param target: the state that it reaches.
    :param name: of a function's command; default: the function's, with ``-`` for ``_``.
    :param help: default: the function's docstring, else the target's description.
    :param options_of: the states whose parameters are the options; default: the target.
    :raises CommandError: the name cannot be typed, or is that of another command; says file and line of both.
    """
    goal = _state_name(target)
    if declared_name:
        states = (goal,) if options_of is None else tuple(map(_state_name, options_of))
        return _declare(Command(declared_name, goal, help, states, None, *_caller(sys._getframe(1))))

    def declare(function: F) -> F:
        code = _checked(function).__code__
        own = name or function.__name__.replace("_", "-")
        about = help or function.__doc__ or ""
        _declare(Command(own, goal, about, (), function, code.co_filename, code.co_firstlineno))
        return function

    return declare


def _checked(function: F) -> F:
    """:raises CommandError: it is no function, or one that cannot be called as it is."""
    file, line = _caller(sys._getframe(2))
    if not isinstance(function, FunctionType):
        raise CommandError(
            f"{file}:{line}: {function!r} cannot be a command",
            hint="decorate a function with @command(target=…)",
        )
    if function.__code__.co_flags & NOT_PLAIN:
        raise CommandError(
            f"{file}:{line}: {function.__name__} is no plain function",
            hint="a command only gives parameters; the work belongs into the state that it reaches",
        )
    return function


def wants_clients(words: list[str]) -> bool:
    """Return whether a command of a client may be meant, or a list of all commands."""
    return words in ([], ["--help"]) or not (words[0].startswith("-") or words[0] in BUILT_IN)


def _declare(new: Command) -> Command:
    if not NAME.fullmatch(new.name):
        raise CommandError(
            f"{new.source}: {new.name!r} cannot be the name of a command",
            hint="it may have small letters, digits and -",
        )
    if new.name in BUILT_IN or new.name in proto_kernel.KERNEL_COMMANDS:
        raise _clash(new, _place_of_own(new.name))
    other = declared.get(new.name)
    if other is not None and other.source != new.source:  # a module that is loaded twice declares it twice
        raise _clash(new, other.source)
    declared[new.name] = new
    return new


def _clash(new: Command, other: str) -> CommandError:
    return CommandError(
        f"{new.source}: there is a command {new.name} already: {other}", hint="give it another name"
    )


def refuse_configured(places: Mapping[str, str]) -> None:
    """Refuse commands that the kernel would take for those of the configuration.

    :param places: of the configured commands, by name.
    :raises CommandError: there is one.
    """
    for name, place in places.items():
        if name in declared:
            raise _clash(declared[name], place)


def _place_of_own(name: str) -> str:
    """Return file and line of a command of groundup itself."""
    if name not in proto_kernel.KERNEL_COMMANDS:
        from groundup.cli.client_commands import built_in_place

        return built_in_place(name)
    file = Path(proto_kernel.__file__)
    lines = file.read_text(encoding="utf-8").splitlines()
    line = next((n for n, text in enumerate(lines, 1) if text.startswith("KERNEL_COMMANDS")), 1)
    return f"{file}:{line}"


def _state_name(state: str | AnyState) -> str:
    name = getattr(state, "name", state)
    if isinstance(name, str):
        return name
    file, line = _caller(sys._getframe(2))
    raise CommandError(f"{file}:{line}: {state!r} is no state", hint="give a state, or the name of one")


def _caller(frame: FrameType) -> tuple[str, int]:
    return frame.f_code.co_filename, frame.f_lineno
