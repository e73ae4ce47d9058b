"""What an environment consists of: the script's own block, what the caller adds, what is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup.errors import UserError
from groundup.projects.metadata import Declared, ScriptMetadata, parse_metadata
from groundup.projects.script import Script, read_script

Overrides = Mapping[str, str]


@dataclass(frozen=True)
class EnvironmentSpec:
    """Requirements, the Pythons that they are for, and the script's own settings for uv."""

    requirements: tuple[Declared, ...] = ()
    requires_python: Declared | None = None
    uv: Mapping[str, Any] = field(default_factory=dict)

    def key(self) -> str:
        """Return a name that is the same for equal environments on this machine, 32 hexadecimal digits."""
        import hashlib
        import json

        parts = {
            "format": 1,  # counts what build_environment makes of the same parts
            "requirements": sorted({declared.text for declared in self.requirements}),
            "requires-python": self.requires_python.text if self.requires_python else None,
            "uv": self.uv,
            "python": [sys.base_prefix, *sys.version_info[:2]],
        }
        text = json.dumps(parts, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def check(self) -> None:
        """Raise UserError that names the place when a requirement or requires-python is malformed."""
        from packaging.requirements import InvalidRequirement, Requirement
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        try:
            for declared in self.requirements:
                Requirement(declared.text)
            declared = self.requires_python or Declared("", "")
            SpecifierSet(declared.text)
        except (InvalidRequirement, InvalidSpecifier) as error:
            reason = str(error).partition("\n")[0]
            raise UserError(
                f"{declared.place}: {declared.text!r} is not a valid requirement: {reason}",
                hint="a requirement reads 'name>=1.2', requires-python reads '>=3.11'",
            ) from error


def environment_spec(
    script: Script,
    requirements: Sequence[str] | bool | None = None,
    dependency_overrides: Overrides | None = None,
) -> EnvironmentSpec:
    """Return what `script` needs: what its script block declares, and `requirements` on top.

    :param requirements: True for what the script imports and its block does not declare.
    :param dependency_overrides: what a person decided about imports, by module: a requirement, specifiers
        alone, or an empty text for nothing.
    :raises UserError: a bad block (file and line), or imports that a person has to decide about.
    :raises GroundupError: an index cannot be asked.
    """
    metadata = parse_metadata(script.text(), script.name)
    if dependency_overrides and requirements is not True:
        raise UserError(
            "dependency_overrides decides about imports: it needs requirements=True",
            hint="leave it out, or ask for what the script imports",
        )
    inferred = _inferred(script, metadata, dependency_overrides) if requirements is True else ()
    return EnvironmentSpec(
        requirements=metadata.dependencies + _declared(requirements) + inferred,
        requires_python=metadata.requires_python,
        uv=_anchored(metadata.uv, script),
    )


def generate_requirements(
    script: str | os.PathLike[str] | bytes, *, dependency_overrides: Overrides | None = None
) -> list[str]:
    """Return what a script requires: what its PEP 723 block declares, then what it imports besides.

    A distribution counts for a module only when the list of files of its own wheel has the module, or of its
    own source archive where groundup knows the distribution.

    :param script: the path of a file, or source code as bytes.
    :param dependency_overrides: what a person decided, by module: a requirement, specifiers alone, or an
        empty text for nothing.
    :raises UserError: a bad script or block (file and line), or imports for which several distributions, or
        none, have evidence.
    :raises GroundupError: an index cannot be asked.
    """
    spec = environment_spec(read_script(script), True, dependency_overrides)
    return [declared.text for declared in spec.requirements]


def _inferred(script: Script, metadata: ScriptMetadata, overrides: Overrides | None) -> tuple[Declared, ...]:
    from groundup.projects.inference import infer

    return infer(script, metadata, overrides=overrides).declared(script)


def _declared(requirements: Sequence[str] | bool | None) -> tuple[Declared, ...]:
    if not requirements or requirements is True:
        return ()
    if isinstance(requirements, str) or not all(isinstance(text, str) for text in requirements):
        raise UserError("requirements must be a list of text", hint="such as ['httpx>=0.27']")
    return tuple(Declared(text.strip(), f"requirements[{n}]") for n, text in enumerate(requirements))


def _anchored(uv: Mapping[str, Any], script: Script) -> dict[str, Any]:
    """Make the paths of local sources absolute: they are relative to the script, which is built elsewhere."""
    sources = uv.get("sources")
    if script.path is None or not isinstance(sources, dict):
        return dict(uv)
    folder = script.path.parent
    return {**uv, "sources": {name: _anchored_source(source, folder) for name, source in sources.items()}}


def _anchored_source(source: Any, folder: Path) -> Any:
    if isinstance(source, list):
        return [_anchored_source(one, folder) for one in source]
    if isinstance(source, dict) and isinstance(source.get("path"), str):
        return {**source, "path": str(folder / source["path"])}
    return source
