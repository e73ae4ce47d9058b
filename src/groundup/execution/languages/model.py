"""What a step file says. The published schema of step files is made of these models."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from groundup.execution.languages.errors import Phase

BUILT_IN_TYPES = ("string", "int", "float", "json")

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
StepName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
LanguageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
TypeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
VariableText = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Seconds = Annotated[float, Field(gt=0, le=10**7)]
Schema = dict[str, JsonValue] | bool


class Strict(BaseModel):
    """A table whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class Written(Strict):
    """A table that a person writes: what has no value is left out."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_null(cls, table: Any) -> Any:
        for key in table if isinstance(table, dict) else ():
            if table[key] is None and key != "value":
                raise ValueError(f"{key} is null: leave it out instead")
        return table


def _long_form(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


class Input(Written):
    """An input: its type, and its value unless the caller gives it."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["value", "artifact"]}})

    type: TypeName
    """string, int, float, json, or the name of one of the step's own types."""
    value: JsonValue = None
    """The value when the caller gives none."""
    artifact: str | None = None
    """Instead of a value, a JSON file in the step's folder, relative to it."""
    description: str = ""

    @property
    def has_value(self) -> bool:
        """Whether the step file gives a value, null included."""
        return "value" in self.model_fields_set

    @model_validator(mode="after")
    def _refuse_both(self) -> Self:
        if self.has_value and self.artifact is not None:
            raise ValueError("it has both a value and an artifact: leave one out")
        return self


class Output(Written):
    """An output: its type."""

    type: TypeName
    """string, int, float, json, or the name of one of the step's own types."""
    description: str = ""


class CustomType(Written):
    """A type of the step's own: either a JSON schema or a pydantic model."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["schema"]}, {"required": ["model"]}]}
    )

    json_schema: Schema | str | None = Field(default=None, alias="schema")
    """A JSON schema, or a JSON file with one in the step's folder, relative to it."""
    model: (
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")] | None
    ) = None
    """A pydantic model that groundup's own environment has, as module:Class."""
    description: str = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.json_schema is None) == (self.model is None):
            raise ValueError("a type has either a schema or a model")
        return self


class Timeouts(Written):
    """Seconds after which a phase is killed."""

    install: Seconds | None = None
    supply: Seconds | None = None
    run: Seconds | None = None

    def limits(self) -> dict[Phase, float | None]:
        """Return the seconds of those phases that have a limit."""
        phases: tuple[Phase, ...] = ("install", "supply", "run")
        return {phase: getattr(self, phase) for phase in phases if getattr(self, phase) is not None}


class StepFile(Written):
    """A step: a piece of work in some language, with typed inputs and outputs."""

    model_config = ConfigDict(title="groundup step")

    schema_link: str = Field(default="", alias="$schema")
    """Address of this schema, for editors."""
    name: StepName | None = None
    """What messages and folders call it; by default the file's name without its ending."""
    language: LanguageName
    """python3, or a language of the configuration."""
    parameters: dict[Name, JsonValue] = {}
    """What the language needs to know, such as file and function."""
    inputs: dict[Name, Annotated[Input, BeforeValidator(_long_form)]] = {}
    """By name; the name of a type stands for a table that has nothing but the type."""
    outputs: dict[Name, Annotated[Output, BeforeValidator(_long_form)]] = {}
    """By name; as inputs."""
    types: dict[TypeName, CustomType] = {}
    """The step's own types."""
    env: dict[VariableName, VariableText] = {}
    """Variables for the run."""
    timeouts: Timeouts = Timeouts()
    description: str = ""


class GivenInput(Strict):
    """An input as an executable gets it."""

    type: str
    file: str
    """A JSON file with the checked value."""
    text_file: str | None
    """A file with the plain text of the value, for string, int and float."""


class GivenOutput(Strict):
    """An output as an executable gets it."""

    type: str
    file: str
    """The JSON file to write."""
    text_file: str | None
    """For string, int and float, a file to write plain text into instead."""


class GivenFolders(Strict):
    """Folders, absolute; null where the phase has none."""

    language: str
    """The language's own folder; read-only."""
    work: str
    """The working folder, empty at the beginning and removed at the end; writable."""
    installed: str
    """What install writes, and later phases read."""
    component: str | None
    """The step's folder; read-only."""
    supplied: str | None
    """What supply writes, and run reads."""


class GivenStep(Strict):
    """The JSON file that an executable gets by GROUNDUP_STEP."""

    model_config = ConfigDict(title="groundup step as executables get it")

    version: Literal[1]
    phase: Phase
    language: str
    name: str | None
    """The step's name; null for install and supply, whose results other steps share."""
    parameters: dict[str, JsonValue]
    inputs: dict[str, GivenInput]
    outputs: dict[str, GivenOutput]
    types: dict[str, Schema]
    """JSON schemas of the step's own types."""
    folders: GivenFolders


class LanguageFile(Written):
    """The file language.json of a language; each of its keys may be missing, and so may the file."""

    model_config = ConfigDict(title="groundup language")

    description: str = ""
    parameters: Schema = True
    """JSON schema of a step's parameters; the format component-file is a file in the step's folder."""
    dependency_files: list[str] = ["*"]
    """Patterns of the files and folders in the step's folder that supply reads, relative to it."""
    uses_uv: bool = False
    """Whether install and supply get uv, by GROUNDUP_STEP_UV, and its settings."""
