"""``groundup init [DIR] [--force]``: what a repository needs to boot, dropped into it."""

from __future__ import annotations

import os
import sys
import tempfile
import tomllib
from pathlib import Path

from groundup import proto_kernel
from groundup.cli.failures import tell
from groundup.config.files import write_whole
from groundup.config.gitignore import IGNORED, extend_gitignore
from groundup.config.kernel_file import KERNEL, PACKAGED
from groundup.config.pins import REQUIREMENTS, pins_from_lock, pins_text
from groundup.config.starter import starter_config
from groundup.errors import GroundupError, UserError

PINS, CONFIG, PROJECT, GITIGNORE = "proto_kernel.pins", "groundup.toml", "pyproject.toml", ".gitignore"


def init(folder: Path, *, force: bool = False) -> int:
    """Write the kernel, its pins and a commented configuration into `folder`, and extend its .gitignore.

    Without addresses that other machines can use, the pins are left out and that is said.

    :param force: replace what is there.
    :raises UserError: no such folder, or a file is there already; nothing is written then.
    :raises GroundupError: a file cannot be written.
    """
    folder = folder.absolute()
    names = [KERNEL, PINS] + ([] if _is_configured(folder) else [CONFIG])
    _refuse_overwriting(folder, [] if force else names)
    contents = {KERNEL: PACKAGED.read_bytes(), CONFIG: starter_config(proto_kernel.UV_VERSION).encode()}
    pins = _pins(folder)
    if pins:
        contents[PINS] = pins.encode()
    for name in names:
        if name in contents:
            write_whole(folder / name, contents[name], mode=0o755 if name == KERNEL else 0o644)
            sys.stdout.write(f"wrote {folder / name}\n")
    if extend_gitignore(folder / GITIGNORE, IGNORED):
        sys.stdout.write(f"extended {folder / GITIGNORE}\n")
    sys.stdout.write(f"now commit them; `python3 {KERNEL}` builds the environment\n")
    return 0


def resolved_pins(folder: Path) -> str:
    """Return the content of a pins file for the index that uv uses in `folder`.

    :raises GroundupError: uv cannot resolve, or its addresses are of no use elsewhere.
    """
    from groundup.projects.uv import run_uv, uv_environment

    with tempfile.TemporaryDirectory() as scratch:
        wanted, lock = Path(scratch, "requirements.in"), Path(scratch, "pylock.toml")
        wanted.write_text(REQUIREMENTS, encoding="utf-8")
        options = ["--universal", "--no-deps", "--python-version", "3.11", "--format", "pylock.toml"]
        arguments = ["pip", "compile", *options, "--output-file", str(lock), str(wanted)]
        environ = uv_environment(os.environ)
        run_uv(*arguments, folder=folder, environ=environ, phase="resolve", what="resolving uv and tomli")
        return pins_text(pins_from_lock(lock.read_text(encoding="utf-8")))


def _pins(folder: Path) -> str:
    try:
        return resolved_pins(folder)
    except GroundupError as error:
        tell(f"{PINS} is not written: {error}", error.hint, word="warning:")
        return ""


def _is_configured(folder: Path) -> bool:
    """Return whether the folder's pyproject.toml has groundup's table.

    :raises UserError: there is no such folder, or that file is no TOML.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}", hint="make it first")
    path = folder / PROJECT
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid TOML: {error}", hint="correct the file") from error
    return "groundup" in project.get("tool", {})


def _refuse_overwriting(folder: Path, names: list[str]) -> None:
    there = [name for name in names if (folder / name).exists()]
    if there:
        raise UserError(f"{folder} has {', '.join(there)} already", hint="--force replaces them")
