"""What the tests of configuration share: effective values and where they came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.process import run_kernel


def effective(repo: Path, *options: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what `config --json` prints."""
    done = run_kernel(repo, *options, "config", "--json", env=env, check=True)
    values: dict[str, Any] = json.loads(done.stdout)
    return values


def origins(
    repo: Path, *options: str, env: Mapping[str, str] | None = None
) -> dict[str, tuple[Any, str, str]]:
    """Return what `config --json --explain` prints: dotted key → value, leap, place."""
    done = run_kernel(repo, *options, "config", "--json", "--explain", env=env, check=True)
    explained = json.loads(done.stdout)
    return {key: (one["value"], one["leap"], one["from"]) for key, one in explained.items()}
