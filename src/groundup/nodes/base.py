"""What every node derives from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterator, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from groundup.nodes.context import NodeContext
from groundup.nodes.fields import wire_schema
from groundup.nodes.limits import Limits


class _Nothing:
    """Models of nodes that declare none."""

    class Inputs(BaseModel):
        """No inputs."""

    class Outputs(BaseModel):
        """No outputs."""

    class Secrets(BaseModel):
        """No secrets."""


class BaseNode(ABC):
    """A unit of work: typed inputs and outputs, and what happens in between.

    A new instance is made for each execution. ``execute`` may be async, or plain: then it runs in a thread.
    It returns an ``Outputs``, a list of them (the run fans out), or None.

    >>> class Hello(BaseNode):
    ...     class Inputs(BaseModel):
    ...         name: str
    ...     class Outputs(BaseModel):
    ...         greeting: str
    ...     async def execute(self):
    ...         return self.Outputs(greeting=f"Hello {self.inputs.name}")
    """

    Inputs: ClassVar[type[BaseModel]] = _Nothing.Inputs
    Outputs: ClassVar[type[BaseModel]] = _Nothing.Outputs
    Secrets: ClassVar[type[BaseModel]] = _Nothing.Secrets

    limits: ClassVar[Limits | None] = None
    """Lets each execution run in a process of its own, with these limits."""

    # Typed as Any because the models are those of the subclass.
    inputs: Any
    secrets: Any
    context: NodeContext

    @classmethod
    def problems(cls) -> Iterator[str]:
        """What is wrong with the class, a line each; asked before it is registered."""
        yield from ()

    @abstractmethod
    def execute(self) -> Awaitable[BaseModel | Sequence[BaseModel] | None] | BaseModel | Sequence[Any] | None:
        """Do the work with ``self.inputs``, ``self.secrets`` and ``self.context``."""


def registration(node: type[BaseNode]) -> dict[str, Any]:
    """What a manager is told about ``node``."""
    return {
        "name": node.__name__,
        "inputs_schema": wire_schema(node.Inputs),
        "outputs_schema": wire_schema(node.Outputs),
        "secrets": list(wire_schema(node.Secrets)["properties"]),
    }
