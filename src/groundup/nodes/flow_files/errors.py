"""What is wrong with files that describe flows."""

from __future__ import annotations

from groundup.errors import UserError
from groundup.nodes.errors import NodesError


class FlowFileError(UserError, NodesError):
    """A file cannot be read as a flow; the message says file, line and key of all that is wrong."""
