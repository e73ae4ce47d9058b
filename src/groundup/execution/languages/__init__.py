"""Steps and the languages that they are written in: a language is three executables, install, supply, run."""

from groundup.execution.languages.errors import LanguageError, StepError, StepFailed
from groundup.execution.languages.language import Language, find_language, language_folders
from groundup.execution.languages.result import PhaseResult, StepResult
from groundup.execution.languages.running import run_step
from groundup.execution.languages.runtime import Command, CommandRuntime, Mount
from groundup.execution.languages.step import Step, read_step

__all__ = [
    "Command",
    "CommandRuntime",
    "Language",
    "LanguageError",
    "Mount",
    "PhaseResult",
    "Step",
    "StepError",
    "StepFailed",
    "StepResult",
    "find_language",
    "language_folders",
    "read_step",
    "run_step",
]
