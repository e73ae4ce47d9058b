"""Languages and steps for tests: executables that are shell scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.neo import Neo
from tests.support.process import run_kernel


def write_language(folder: Path, settings: Mapping[str, Any] | None = None, /, **executables: str) -> Path:
    """Make a language of shell scripts; those of install, supply and run that are not given do nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("install", "supply", "run"):
        path = folder / name
        path.write_text(f"#!/bin/sh\nset -eu\n{executables.get(name, '')}\n")
        path.chmod(0o755)
    if settings is not None:
        (folder / "language.json").write_text(json.dumps(settings))
    return folder


def write_step(folder: Path, **keys: Any) -> Path:
    """Write a step file in JSON; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "step.json"
    path.write_text(json.dumps({"language": "lang", **keys}))
    return path


@contextmanager
def configured(neo: Neo, name: str, folder: str) -> Iterator[Path]:
    """Let the configuration of a repository name a language for the block; give its folder."""
    file = neo.repo / "groundup.toml"
    text = file.read_text()
    file.write_text(f'{text}\n[neo.languages]\n{name} = "{folder}"\n')
    try:
        run_kernel(neo.repo, "run", "true", env=neo.env, check=True)
        yield neo.repo / folder
    finally:
        file.write_text(text)
        run_kernel(neo.repo, "run", "true", env=neo.env, check=True)
