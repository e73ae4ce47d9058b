"""What can go wrong with what is kept of states.

::

    UserError
    └── DagError
        └── UnreadableFileError   an input or output cannot be read
    GroundupError
    ├── MissingOutputError        a state did not make what it declares
    └── RecordsError              what was done cannot be written down
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundup.dag.errors import DagError
from groundup.errors import GroundupError

if TYPE_CHECKING:
    from groundup.dag.state import AnyState


class UnreadableFileError(DagError):
    """An input or output of a state is there, but cannot be read."""

    def __init__(self, state: AnyState, error: OSError) -> None:
        super().__init__(
            f"{error.filename}, a file of {state.name} ({state.source}), cannot be read: {error.strerror}",
            hint="make it readable, or take it out of the inputs and outputs of the state",
        )


class MissingOutputError(GroundupError):
    """A state was evaluated, and a path that it declares as output is not there."""

    def __init__(self, output: str) -> None:
        super().__init__(
            f"it did not make {output}",
            hint="make it, relative to the root, or take it out of its outputs",
        )


class RecordsError(GroundupError):
    """What was done cannot be written down."""
