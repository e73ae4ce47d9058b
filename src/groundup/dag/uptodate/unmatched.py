"""Inputs that name nothing: probably mistyped, and then nothing that changes is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from groundup.dag.uptodate.errors import UnreadableFileError
from groundup.dag.uptodate.files import Files

if TYPE_CHECKING:
    from groundup.dag.state import AnyState


def unmatched_inputs(state: AnyState, root: Path) -> tuple[str, ...]:
    """Return those inputs of `state` that name nothing under `root`.

    :raises UnreadableFileError: a folder cannot be read.
    """
    files = Files(root, {}, root)
    try:
        return tuple(pattern for pattern in state.inputs if not files.matches(pattern))
    except OSError as error:
        raise UnreadableFileError(state, error) from error
