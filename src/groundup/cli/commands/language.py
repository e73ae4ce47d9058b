"""``groundup language list|check``: languages that steps are written in."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundup.cli.place import Where, runtime_at
from groundup.cli.progress import painter
from groundup.errors import GroundupError


def list_languages(*, as_json: bool = False) -> int:
    """Write every language with its folder and what it says of itself to stdout.

    :raises GroundupError: the configuration is wrong.
    """
    rows = [_row(name, folder) for name, folder in _folders().items()]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return 0
    width = max(len(row["language"]) for row in rows)
    for row in rows:
        origin = "built in" if row["built_in"] else row["folder"]
        sys.stdout.write(f"{row['language']:<{width}}  {row['description'] or row['problem']}  ({origin})\n")
    return 0


def check(names: Sequence[str], *, where: Where, as_json: bool = False) -> int:
    """Check languages, by default all, and write to stdout what each lacks; return 1 when one does.

    :raises UserError: there is no language of that name, or the runtime is not available.
    """
    from groundup.execution.languages.checking import check_language
    from groundup.execution.languages.language import find_language
    from groundup.execution.languages.runtime import command_runtime

    folders = _folders()
    for name in names:
        if name not in folders:
            find_language(name, folders)
    with runtime_at(where) as chosen:
        runtime = command_runtime(chosen)
        found = {name: check_language(name, folders[name], runtime) for name in (names or folders)}
    if as_json:
        rows = [{"language": name, "ok": not problem, "problem": problem} for name, problem in found.items()]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        _write_verdicts(found)
    return 1 if any(found.values()) else 0


def _write_verdicts(found: dict[str, str]) -> None:
    paint = painter(sys.stdout)
    for name, problem in found.items():
        mark = paint("✗", "31") if problem else paint("✓", "32")
        sys.stdout.write(f"{mark} {name}  {problem or 'keeps the contract and is installed'}\n")


def _folders() -> dict[str, Path]:
    from groundup.execution.languages.language import language_folders
    from groundup.execution.languages.settings import configured_languages

    return language_folders(configured_languages())


def _row(name: str, folder: Path) -> dict[str, Any]:
    from groundup.execution.languages.language import BUILT_IN, find_language

    description, problem = "", ""
    try:
        description = find_language(name, {name: folder}).settings.description
    except GroundupError as error:
        problem = str(error)
    return {
        "language": name,
        "folder": str(folder),
        "built_in": BUILT_IN.get(name) == folder,
        "description": description,
        "problem": problem,
    }
