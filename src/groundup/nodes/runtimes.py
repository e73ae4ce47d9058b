"""The execution runtimes of a worker's nodes: made once, used by all executions, closed at the end."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from groundup.nodes.base import BaseNode

if TYPE_CHECKING:
    from groundup.execution import ExecutionRuntime

_made: dict[str, ExecutionRuntime] = {}
_lock = threading.Lock()
_open = ExitStack()
atexit.register(_open.close)


class IsolatedNode(BaseNode):
    """What nodes share whose work an execution runtime does.

    :cvar isolate: False for the host, "sandbox", "container" or True for it.
    :cvar python_tag: tag of the container's image.
    :cvar docker_config: settings of the container or sandbox.
    """

    isolate: ClassVar[bool | Literal["sandbox", "container"]] = False
    python_tag: ClassVar[str | None] = None
    docker_config: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def problems(cls) -> Iterator[str]:
        """What is wrong with the class."""
        yield from super().problems()
        if cls.isolate not in {False, True, "sandbox", "container"}:
            yield f"{cls.__name__}: isolate={cls.isolate!r} is none of False, True, 'sandbox', 'container'"

    @classmethod
    def runtime(cls) -> ExecutionRuntime:
        """The runtime that the class asks for; looks for an engine and an image when it is made.

        :raises GroundupError: when it is not available. Nothing runs with less isolation than that.
        """
        key = repr((cls.isolate, cls.python_tag, sorted(cls.docker_config.items())))
        with _lock:
            if key not in _made:
                _made[key] = cls._make_runtime()
            return _made[key]

    @classmethod
    def _make_runtime(cls) -> ExecutionRuntime:
        from groundup.execution import create_execution_runtime

        runtime = create_execution_runtime(cls.isolate, cls.python_tag, **cls.docker_config)
        return _open.enter_context(runtime)  # those of containers hold an engine's connection
