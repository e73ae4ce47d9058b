"""What brought a state into the graph."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """The four ways into the graph, in the order in which they are taken."""

    BUILT_IN = "built-in"
    ENTRY_POINT = "entry point"
    CONFIGURATION = "configuration"
    FILE = "file"


class Origin(NamedTuple):
    """A module that gives states, and where it was named.

    :ivar module: its name.
    :ivar place: tells where it was named: the file and line of the configuration, the entry point with its
        distribution, or the file itself; asked only for errors and listings.
    """

    kind: Kind
    module: str
    place: Callable[[], str]

    def __str__(self) -> str:
        texts = {
            Kind.BUILT_IN: lambda: "built-in",
            Kind.ENTRY_POINT: lambda: f"entry point {self.place()}",
            Kind.CONFIGURATION: lambda: f"{self.place()} ({self.module})",
            Kind.FILE: self.place,
        }
        return texts[self.kind]()
