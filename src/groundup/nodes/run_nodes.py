"""Nodes whose work is a script or a project, run by an execution runtime with its own dependencies."""

from __future__ import annotations

import inspect
import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ValidationError

from groundup.nodes.base import BaseNode
from groundup.nodes.errors import NodesError
from groundup.nodes.fields import described, write_fields
from groundup.nodes.runtimes import IsolatedNode
from groundup.nodes.threads import in_thread

if TYPE_CHECKING:
    from groundup.execution import ExecutionResult, ExecutionRuntime, OutputStream


class RunFailedError(NodesError):
    """The run of a node failed, or what it wrote are no outputs."""


class RunNode(IsolatedNode):
    """What script and project nodes share.

    The run gets the inputs on stdin as one JSON object, and the secrets as variables named like their fields.
    With ``Outputs`` of its own the node reads stdout as JSON: an object is one output, a list of objects are
    several, nothing is none. Without, the output is ``stdout``, as text. Lines on stderr are logged. A failed
    run fails the node; cancelling kills the run with all that it started.

    :cvar timeout: seconds that a run may take; None: no limit but that of the flow.
    """

    timeout: ClassVar[float | None] = None

    class Outputs(BaseModel):
        """What the run wrote."""

        stdout: str

    def arguments(self) -> Sequence[str]:
        """Words for the run's command line; by default none."""
        return ()

    async def execute(self) -> Any:
        """Run it and give what it wrote."""
        return self.outputs_from(await self.run())

    async def run(self) -> ExecutionResult:
        """Run it to its end.

        :raises RunFailedError: when it fails, or takes too long.
        """
        from groundup.execution import ExecutionFailed

        log = _Lines(self)
        try:
            async with self._start(await in_thread(self.runtime)) as output:
                async for chunk in output:
                    if chunk.stream == "stderr":
                        log.add(chunk.text)
            return output.result
        except ExecutionFailed as error:
            raise RunFailedError(f"{error}; {error.hint}") from error
        finally:
            log.end()

    def outputs_from(self, result: ExecutionResult) -> BaseModel | list[BaseModel]:
        """The outputs that a run wrote to stdout.

        :raises RunFailedError: when these are none.
        """
        model = type(self).Outputs
        if model is RunNode.Outputs:
            return model(stdout=result.stdout)
        if not result.stdout.strip():
            return []
        try:
            found = json.loads(result.stdout)
            if isinstance(found, list):
                return [model.model_validate_json(json.dumps(item)) for item in found]
            return model.model_validate_json(result.stdout)
        except ValidationError as error:
            raise RunFailedError(described(model, error)) from None
        except ValueError as error:
            raise RunFailedError(f"what was written to stdout is no JSON: {error}") from None

    @abstractmethod
    def _start(self, runtime: ExecutionRuntime) -> OutputStream:
        """The run, not yet started."""

    def _options(self) -> dict[str, Any]:
        return {
            "stdin": self.inputs.model_dump_json(by_alias=True),
            "env": write_fields(self.secrets),
            "timeout": self.timeout,
        }


class ScriptNode(RunNode):
    """Runs a script in an environment with what it requires.

    :cvar script: path of a file, relative to the one that defines the class; or source code as bytes.
    :cvar requirements: besides those of the script's PEP 723 block; True: what it imports.
    :cvar dependency_overrides: what a person decided about imports, by module.

    >>> class Measure(ScriptNode):
    ...     script = "measure.py"
    ...     requirements = ["numpy"]
    ...     class Inputs(BaseModel):
    ...         values: list[float]
    ...     class Outputs(BaseModel):
    ...         mean: float
    """

    script: ClassVar[str | Path | bytes] = b""
    requirements: ClassVar[Sequence[str] | bool | None] = None
    dependency_overrides: ClassVar[Mapping[str, str] | None] = None

    @classmethod
    def problems(cls) -> Iterator[str]:
        """What is wrong with the class."""
        yield from super().problems()
        if not cls.script:
            yield f"{cls.__name__} has no script"
        elif not isinstance(cls.script, bytes) and not beside(cls, cls.script).is_file():
            yield f"{cls.__name__}: there is no script {beside(cls, cls.script)}"

    def _start(self, runtime: ExecutionRuntime) -> OutputStream:
        script = self.script if isinstance(self.script, bytes) else beside(type(self), self.script)
        return runtime.stream_script(
            script,
            *self.arguments(),
            requirements=self.requirements,
            dependency_overrides=self.dependency_overrides,
            **self._options(),
        )


class ProjectNode(RunNode):
    """Runs a project that was made by ``create_project``.

    :cvar project: its id.
    """

    project: ClassVar[str] = ""

    @classmethod
    def problems(cls) -> Iterator[str]:
        """What is wrong with the class."""
        yield from super().problems()
        if not cls.project:
            yield f"{cls.__name__} has no project"

    def _start(self, runtime: ExecutionRuntime) -> OutputStream:
        return runtime.stream_project(self.project, *self.arguments(), **self._options())


def beside(node: type[BaseNode], path: str | Path) -> Path:
    """``path``, relative to the file that defines ``node``."""
    return Path(inspect.getfile(node)).absolute().parent / path


class _Lines:
    """Logs text line by line."""

    def __init__(self, node: BaseNode) -> None:
        self._logger = node.context.logger
        self._rest = ""

    def add(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._logger.info("%s", line)

    def end(self) -> None:
        if self._rest:
            self._logger.info("%s", self._rest)
            self._rest = ""
