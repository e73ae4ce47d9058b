"""What can go wrong on the worker's side.

::

    NodesError                     GroundupError
    ├── RuntimeConfigurationError  also ValueError: constructor arguments, node classes
    ├── RegistrationError          also RuntimeError: the manager refuses the nodes
    ├── StateManagerError          the manager refuses a call
    │   ├── GraphRefusedError      a flow is malformed
    │   └── NotOfferedError        the manager is of another make, and has no such thing
    ├── UnreachableError           the manager does not answer
    ├── NodeCancelledError         the result of an execution is not wanted any more
    └── WaitTimeoutError           also TimeoutError: something did not happen in time
"""

from __future__ import annotations

from groundup.errors import GroundupError, UserError


class NodesError(GroundupError):
    """Base of the errors of workers and clients."""


class RuntimeConfigurationError(UserError, NodesError, ValueError):
    """A runtime or client cannot work as it was configured."""


class RegistrationError(NodesError, RuntimeError):
    """The state manager refused to register the nodes."""


class StateManagerError(NodesError):
    """The state manager refused a call."""


class GraphRefusedError(StateManagerError):
    """A flow is malformed, and was not saved; ``messages`` say why."""

    def __init__(self, graph_name: str, messages: tuple[str, ...]) -> None:
        self.messages = messages
        super().__init__(f"flow {graph_name} cannot be saved: {'; '.join(messages)}", hint="correct the flow")


class NotOfferedError(StateManagerError):
    """The state manager is another one, and does not have what groundup's has beyond the protocol."""


class UnreachableError(NodesError):
    """The state manager did not answer; ``connected`` says whether the request may have arrived."""

    def __init__(self, message: str, *, hint: str = "", connected: bool) -> None:
        super().__init__(message, hint=hint)
        self.connected = connected


class NodeCancelledError(NodesError):
    """The result of this execution is not wanted any more."""


class WaitTimeoutError(NodesError, TimeoutError):
    """What was waited for did not happen in time."""
