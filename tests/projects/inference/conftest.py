"""A function that infers, for a user of the shelf."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from groundup.projects.inference import Finding, infer
from groundup.projects.metadata import Declared, parse_metadata
from groundup.projects.script import Script
from tests.support.shelf import home, index, shelf

__all__ = ["Infer", "home", "index", "shelf"]

Infer = Callable[..., dict[str, Finding]]


@pytest.fixture
def inferred(home: Path) -> Infer:
    """Return a function that gives the findings for source code, by module."""

    def run(
        code: str | bytes,
        *,
        present: tuple[str, ...] = (),
        overrides: dict[str, str] | None = None,
        path: Path | None = None,
    ) -> dict[str, Finding]:
        script = Script(code if isinstance(code, bytes) else code.encode(), path)
        explicit = tuple(Declared(text, "--with") for text in present)
        found = infer(script, parse_metadata(script.text(), script.name), explicit, overrides)
        return {one.module: one for one in found.findings}

    return run
