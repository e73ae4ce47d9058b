"""Models of the parameters of states that make projects and run scripts; importing them imports pydantic."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from groundup.states.parameters import Parameters, Text

Seconds = Annotated[float, Field(gt=0, le=10**7)]


Isolation = bool | Literal["sandbox", "container"]


class OwnRuntime(Parameters):
    """Where a state executes something, if not in the value of ``execution_runtime``.

    :ivar isolate: false for the host, "sandbox", or "container", which true means; none for that value.
    :ivar python_tag: tag of the container's image.
    :ivar settings: those of the container or sandbox.
    """

    isolate: Isolation | None = None
    python_tag: Text | None = None
    settings: dict[str, Any] = Field(default_factory=dict)

    @field_validator("settings")
    @classmethod
    def _are_settings(cls, settings: dict[str, Any]) -> dict[str, Any]:
        if beside := sorted({"isolate", "python_tag"} & settings.keys()):
            raise ValueError(f"{beside[0]} is a parameter beside settings")
        return settings

    @model_validator(mode="after")
    def _is_for_something(self) -> Self:
        if self.isolate is None and (self.settings or self.python_tag):
            raise ValueError("python_tag and settings need isolate")
        return self


class Runtime(OwnRuntime):
    """Parameters of ``execution_runtime``: those of ``create_execution_runtime``."""

    isolate: Isolation = False


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


class Running(OwnRuntime):
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


class StepExecution(OwnRuntime):
    """Parameters of ``step_executed``; paths are relative to root.

    :ivar step: the step file.
    :ivar inputs: values of inputs, over those of the step file.
    :ivar artifacts: JSON files with values of inputs.
    :ivar component: the folder with the step's code; default: the step file's.
    :ivar timeouts: seconds by phase, over those of the step file.
    :ivar env: variables for the run.
    :ivar output: an existing folder that gets the outputs as JSON files.
    """

    step: Text
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    artifacts: dict[str, Text] = Field(default_factory=dict)
    component: Text | None = None
    timeouts: dict[Literal["install", "supply", "run"], Seconds] = Field(default_factory=dict)
    env: dict[str, str] = Field(default_factory=dict)
    output: Text | None = None
