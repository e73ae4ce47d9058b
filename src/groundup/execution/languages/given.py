"""What an executable of a language is given: a JSON file, plain texts, folders, variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup.execution.languages.errors import Phase
from groundup.execution.languages.model import Output, Schema
from groundup.execution.languages.strict_json import dump
from groundup.execution.languages.types import TEXT_TYPES, to_text

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Given:
    """What one phase is given.

    :ivar folder: the phase's own folder, with ``work`` in it.
    :ivar installed: what install writes.
    :ivar component: the step's folder.
    :ivar supplied: what supply writes.
    :ivar inputs: type and value of each input, by name.
    """

    phase: Phase
    language: str
    language_folder: Path
    folder: Path
    installed: Path
    component: Path | None = None
    supplied: Path | None = None
    name: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    types: Mapping[str, Schema] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        """The working folder."""
        return self.folder / "work"

    @property
    def outputs_folder(self) -> Path | None:
        """Where outputs are written; run alone has it."""
        return self.folder / "outputs" if self.phase == "run" else None

    @property
    def writable(self) -> list[Path]:
        """The folders that the phase writes into."""
        made = {"install": self.installed, "supply": self.supplied, "run": self.outputs_folder}
        return [self.work, *filter(None, [made[self.phase]])]

    @property
    def read_only(self) -> list[Path]:
        """The folders that the phase reads."""
        folders = [self.folder, self.language_folder, self.component, self.installed, self.supplied]
        return [folder for folder in folders if folder is not None and folder not in self.writable]

    def variables(self) -> dict[str, str]:
        """Return the variables that tell an executable where everything is."""
        places = {
            "": self.folder / "step.json",
            "_LANGUAGE": self.language_folder,
            "_WORK": self.work,
            "_INSTALLED": self.installed,
            "_COMPONENT": self.component,
            "_SUPPLIED": self.supplied,
            "_PARAMETERS": self.folder / "parameters" if self.phase != "install" else None,
            "_INPUTS": self.folder / "inputs" if self.phase == "run" else None,
            "_OUTPUTS": self.outputs_folder,
        }
        variables = {f"GROUNDUP_STEP{name}": str(path) for name, path in places.items() if path is not None}
        return {**variables, "GROUNDUP_STEP_PHASE": self.phase}

    def write(self) -> None:
        """Write all of it into the phase's folder."""
        for name, content in self._files():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        if self.outputs_folder is not None:
            self.outputs_folder.mkdir()
            (self.folder / "inputs").mkdir(exist_ok=True)
        if self.phase != "install":
            (self.folder / "parameters").mkdir(exist_ok=True)

    def document(self) -> dict[str, Any]:
        """Return what stands in ``step.json``."""
        return {
            "version": VERSION,
            "phase": self.phase,
            "language": self.language,
            "name": self.name,
            "parameters": dict(self.parameters),
            "inputs": {name: self._artifact("inputs", name, kind) for name, (kind, _) in self.inputs.items()},
            "outputs": {
                name: self._artifact("outputs", name, each.type) for name, each in self.outputs.items()
            },
            "types": dict(self.types),
            "folders": {
                "language": str(self.language_folder),
                "work": str(self.work),
                "installed": str(self.installed),
                "component": _text(self.component),
                "supplied": _text(self.supplied),
            },
        }

    def _artifact(self, kind: str, name: str, type_name: str) -> dict[str, str | None]:
        stem = self.folder / kind / name
        text_file = f"{stem}.txt" if type_name in TEXT_TYPES else None
        return {"type": type_name, "file": f"{stem}.json", "text_file": text_file}

    def _files(self) -> Iterator[tuple[str, bytes]]:
        yield "step.json", dump(self.document())
        for name, value in self.parameters.items():
            yield f"parameters/{name}.json", dump(value)
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                yield f"parameters/{name}.txt", to_text(value).encode()
        for name, (type_name, value) in self.inputs.items():
            yield f"inputs/{name}.json", dump(value)
            if type_name in TEXT_TYPES:
                yield f"inputs/{name}.txt", to_text(value).encode()


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
