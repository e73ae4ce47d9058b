"""Where a command runs something: the options that say it, and the runtime that they ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from groundup.cli.options import option
from groundup.cli.warned import warnings_told
from groundup.errors import UserError

if TYPE_CHECKING:
    from groundup.execution import ExecutionRuntime


class Place(Enum):
    """Where something runs."""

    HOST = "host"
    SANDBOX = "sandbox"
    CONTAINER = "container"


@dataclass(frozen=True, slots=True)
class Where:
    """What the options say.

    :ivar on: host, sandbox or container.
    :ivar image: of the container.
    :ivar network: whether the network may be used.
    :ivar memory: a size, such as ``512m``.
    :ivar others: further settings of the sandbox or container, each ``NAME=VALUE``.
    """

    on: str = "host"
    image: str | None = None
    network: bool = False
    memory: str | None = None
    others: Sequence[str] = ()

    def settings(self) -> dict[str, Any]:
        """Return the settings of the runtime.

        :raises UserError: one is given twice, is none, or is for another place.
        """
        named = {"image": self.image, "network": self.network or None, "memory": self.memory}
        found = {name: value for name, value in named.items() if value is not None}
        self._refuse_elsewhere(found)
        for text in self.others:
            name, equals, value = text.partition("=")
            if not name.isidentifier() or not equals or name in (*found, "isolate"):
                what = "is there already" if name in found else "is not NAME=VALUE"
                raise UserError(f"--setting {text!r} {what}", hint="such as --setting pids=32")
            found[name] = _value(value)
        return found

    def _refuse_elsewhere(self, named: Mapping[str, Any]) -> None:
        given = [f"--{name}" for name in named] + ["--setting"] * bool(self.others)
        if self.on == Place.HOST.value and given:
            raise UserError(
                f"{given[0]} means nothing on the host, where nothing is isolated",
                hint="add --on sandbox or --on container",
            )
        if self.on == Place.SANDBOX.value and "image" in named:
            raise UserError("--image is for containers", hint="add --on container")


def place_options() -> list[Parameter]:
    """Return the options, for typer."""
    return [
        option(Place, Place.HOST, "--on", help="Where it runs."),
        option(str | None, None, "--image", metavar="NAME", help="The image of the container."),
        option(bool, False, "--network", help="Let it use the network, which it has on the host anyway."),
        option(str | None, None, "--memory", metavar="SIZE",
               help="What it may use in a sandbox or container, such as 512m."),
        option(list[str] | None, None, "--setting", metavar="NAME=VALUE",
               help="A further setting of the sandbox or container; repeatable."),
    ]  # fmt: skip


def where_of(given: Mapping[str, Any]) -> Where:
    """Return what the options say, as typer gives them."""
    return Where(given["on"].value, given["image"], given["network"], given["memory"], given["setting"] or ())


@contextmanager
def runtime_at(where: Where) -> Iterator[ExecutionRuntime]:
    """Give the runtime, closed at the end of the block; what it warns of is told on stderr.

    :raises GroundupError: it is not available, or a setting is wrong. Nothing runs with less isolation.
    """
    from groundup.execution import create_execution_runtime

    isolate: Any = False if where.on == Place.HOST.value else where.on
    with warnings_told():
        runtime = create_execution_runtime(isolate, **where.settings())
    with runtime:
        yield runtime


def _value(text: str) -> Any:
    """Return what a text says: JSON where it is that, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
