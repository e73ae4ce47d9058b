"""Python dataclasses and their documentation, generated from spec.toml."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from groundup import UserError, state
from pydantic import ValidationError

from generator import Specification, module_text, page_text

MODULE = "generated/models.py"
PAGE = "generated/models.md"


@state(inputs=["spec.toml", "generator.py"])
def specification(repo_root: Path) -> Specification:
    """What spec.toml says is valid."""
    file = repo_root / "spec.toml"
    try:
        return Specification.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file}: {error}", hint="correct the file") from None
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise UserError(f"{file}: {'; '.join(wrong)}", hint="correct the file") from None


@state(inputs=["generator.py"], outputs=[MODULE])
def models_module(repo_root: Path, specification: Specification) -> Path:
    """There is a module with a dataclass for each record."""
    return written(repo_root / MODULE, module_text(specification))


@state(inputs=["generator.py"], outputs=[PAGE])
def models_page(repo_root: Path, specification: Specification) -> Path:
    """There is a page with a table for each record."""
    return written(repo_root / PAGE, page_text(specification))


@state(inputs=["check_models.py"])
def models_checked(repo_root: Path, models_module: Path) -> None:
    """The module can be imported, and its records are made, compared and copied."""
    subprocess.run([sys.executable, "-I", "check_models.py", models_module], cwd=repo_root, check=True)


@state(needs=["models_module", "models_page", "models_checked"])
def generated(repo_root: Path) -> Path:
    """Everything that spec.toml leads to is there and checked."""
    return repo_root / "generated"


def written(file: Path, text: str) -> Path:
    """Write a file, so that nobody sees half of it."""
    file.parent.mkdir(exist_ok=True)
    half = file.with_name(f"{file.name}.tmp")
    half.write_text(text, encoding="utf-8")
    half.replace(file)
    return file
