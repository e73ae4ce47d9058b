"""Languages: folders with the executables ``install``, ``supply`` and ``run``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from groundup.execution.languages.errors import LanguageError, StepError
from groundup.execution.languages.fingerprint import folder_key
from groundup.execution.languages.model import LanguageFile
from groundup.execution.languages.step import Step
from groundup.execution.languages.strict_json import parse
from groundup.execution.languages.types import Type, by_schema

EXECUTABLES = ("install", "supply", "run")
SETTINGS = "language.json"
BUILT_IN = {"python3": Path(__file__).parent / "python3"}
COMPONENT_FILE = "component-file"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

Folders = Mapping[str, str | os.PathLike[str]]


@dataclass(frozen=True)
class Language:
    """A language whose folder keeps the contract, as far as looking at it tells."""

    name: str
    folder: Path
    settings: LanguageFile

    def executable(self, phase: str) -> Path:
        """Return the executable of a phase."""
        return self.folder / phase

    @cached_property
    def key(self) -> str:
        """Fingerprint of the folder."""
        return folder_key(self.folder)

    def check_parameters(self, step: Step, component: Path) -> None:
        """Refuse parameters that the language says it cannot work with.

        :raises StepError: says all that is wrong.
        """
        wrong = list(_parameters_type(self.settings, component).problems(dict(step.file.parameters)))
        if wrong:
            place = step.document.place(("parameters",))
            lines = "\n".join(f"{place}: parameters of {self.name}: {each}" for each in wrong)
            raise StepError(lines, hint=f"`groundup language list` says what {self.name} is about")


def language_folders(configured: Folders) -> dict[str, Path]:
    """Return the folder of each language: those that are built in, and over them `configured`.

    :raises LanguageError: a name cannot be that of a language.
    """
    for name in configured:
        if not _NAME.fullmatch(name):
            raise LanguageError(
                f"{name!r} cannot be the name of a language",
                hint="up to 64 of a-z 0-9 . _ -, beginning with a letter or digit",
            )
    return {**BUILT_IN, **{name: Path(folder).resolve() for name, folder in configured.items()}}


def find_language(name: str, configured: Folders) -> Language:
    """Return a language by its name.

    :raises LanguageError: there is none of that name, or its folder breaks the contract.
    """
    folders = language_folders(configured)
    if name not in folders:
        near = get_close_matches(name, folders, 1)
        raise LanguageError(
            f"there is no language {name!r}; there are: {', '.join(sorted(folders))}",
            hint=f"did you mean {near[0]!r}?"
            if near
            else f"name its folder in the configuration: [tool.groundup.neo.languages] {name} = …",
        )
    problems = contract_problems(folders[name])
    if problems:
        raise LanguageError(
            f"language {name}: {'; '.join(problems)}", hint="see the reference of languages for the contract"
        )
    return Language(name, folders[name], _settings(folders[name]))


def contract_problems(folder: Path) -> list[str]:
    """Return how a folder breaks the contract of languages, as far as looking at it tells."""
    if not folder.is_dir():
        return [f"there is no folder {folder}"]
    problems = []
    for path in (folder / name for name in EXECUTABLES):
        if not path.is_file():
            problems.append(f"there is no file {path}")
        elif not os.access(path, os.X_OK):
            problems.append(f"{path} is not executable")
    try:
        _parameters_type(_settings(folder), folder)
    except LanguageError as error:
        problems.append(str(error))
    except ValueError as error:
        problems.append(f"{folder / SETTINGS}: parameters: {error}")
    return problems


def _settings(folder: Path) -> LanguageFile:
    from pydantic import ValidationError

    path = folder / SETTINGS
    try:
        settings = LanguageFile.model_validate(parse(path.read_bytes()))
    except FileNotFoundError:
        return LanguageFile()
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise LanguageError(f"{path}: {'; '.join(wrong)}", hint="correct it") from None
    except (ValueError, OSError) as error:
        raise LanguageError(f"{path}: {error}", hint="correct it") from error
    bad = [pattern for pattern in settings.dependency_files if not _is_inside(pattern)]
    if bad:
        raise LanguageError(
            f"{path}: dependency_files: {bad[0]!r} leaves the step's folder", hint="correct it"
        )
    return settings


def _is_inside(pattern: str) -> bool:
    return bool(pattern) and not Path(pattern).is_absolute() and ".." not in Path(pattern).parts


def _parameters_type(settings: LanguageFile, component: Path) -> Type:
    root = os.path.realpath(component)

    def is_component_file(value: Any) -> bool:
        if not isinstance(value, str):
            return True  # the type of a value is another keyword's business
        path = Path(os.path.realpath(component / value))
        return path.is_relative_to(root) and path.is_file()

    return by_schema(settings.parameters, {COMPONENT_FILE: is_component_file})
