"""Models of the parameters of states that make projects and run scripts; importing them imports pydantic."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from groundup.states.parameters import Parameters, Text

Seconds = Annotated[float, Field(gt=0, le=10**7)]


class Runtime(Parameters):
    """Parameters of ``execution_runtime``: those of ``create_execution_runtime``.

    :ivar isolate: false for the host, "sandbox", or "container", which true means.
    :ivar python_tag: tag of the container's image.
    :ivar docker: further settings of the container.
    """

    isolate: bool | Literal["sandbox", "container"] = False
    python_tag: Text | None = None
    docker: dict[str, Any] = Field(default_factory=dict)


class Requiring(Parameters):
    """What a script requires besides its own block.

    :ivar requirements: a list; or true for what the script imports.
    :ivar dependency_overrides: decisions about imports, by module.
    """

    requirements: list[Text] | bool = False
    dependency_overrides: dict[str, str] = Field(default_factory=dict)


class ProjectCreation(Requiring):
    """Parameters of ``project_created``.

    :ivar script: the script, relative to root; without it, the project is one that there is.
    :ivar id: the project's id; default: made from the script's name.
    """

    script: Text | None = None
    id: Text | None = None

    @model_validator(mode="after")
    def _name_one(self) -> Self:
        if self.script is None and self.id is None:
            raise ValueError("a script to make the project from, or the id of a project that there is")
        return self


class Running(Parameters):
    """How something runs; paths are relative to root.

    :ivar args: its arguments.
    :ivar env: variables on top of the caller's.
    :ivar stdin: what it reads.
    :ivar cwd: its working folder.
    :ivar timeout: seconds, after which it is killed with all that it started.
    """

    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    stdin: str | None = None
    cwd: Text = "."
    timeout: Seconds | None = None


class ProjectExecution(Running):
    """Parameters of ``project_executed``."""


class ScriptExecution(Running, Requiring):
    """Parameters of ``script_executed``.

    :ivar script: the script, relative to root.
    """

    script: Text
