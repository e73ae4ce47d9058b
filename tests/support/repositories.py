"""Repositories to boot: the kernel dropped in, with the projects and the configuration that a test needs."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

KERNEL = Path(__file__).resolve().parents[2] / "src/groundup/proto_kernel.py"

BACKENDS: Mapping[str, dict[str, Any]] = {
    "uv_build": {"requires": ["uv_build>=0.13.8,<0.14"], "build-backend": "uv_build"},
    "hatchling": {"requires": ["hatchling"], "build-backend": "hatchling.build"},
    "setuptools": {"requires": ["setuptools>=77"], "build-backend": "setuptools.build_meta"},
    "flit": {"requires": ["flit_core>=3.9"], "build-backend": "flit_core.buildapi"},
}


def write(folder: Path, name: str, text: str) -> Path:
    """Write `text`, dedented, to the file `name` under `folder`; return its path."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return file


def copy_kernel(folder: Path) -> Path:
    """Drop the kernel into `folder`, executable; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    kernel = folder / "proto_kernel.py"
    shutil.copyfile(KERNEL, kernel)
    kernel.chmod(0o755)
    return kernel


def write_project(
    folder: Path,
    name: str = "demo",
    *,
    version: str = "0.1.0",
    python: str = ">=3.11",
    dependencies: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    scripts: Mapping[str, str] | None = None,
    backend: str = "uv_build",
    tool: Mapping[str, Any] | None = None,
    source: str = "",
) -> Path:
    """Write a project: its `pyproject.toml` and `src/<name>/__init__.py` (`VERSION` and `source`).

    `tool` becomes the `[tool.*]` tables: `{"groundup": {…}, "uv": {…}}`. Returns `folder`.
    """
    project: dict[str, Any] = {"name": name, "version": version, "requires-python": python}
    project |= {"description": f"The project {name}.", "dependencies": list(dependencies)}
    if extras:
        project["optional-dependencies"] = {extra: list(needs) for extra, needs in extras.items()}
    if scripts:
        project["scripts"] = dict(scripts)
    tables: dict[str, Any] = {"project": project, "build-system": BACKENDS[backend]}
    if groups:
        tables["dependency-groups"] = {group: list(needs) for group, needs in groups.items()}
    if tool:
        tables["tool"] = dict(tool)
    write(folder, "pyproject.toml", tomli_w.dumps(tables))
    write(folder, f"src/{module_name(name)}/__init__.py", f'VERSION = "{version}"\n{source}')
    return folder


def module_name(project: str) -> str:
    """Return the name under which a project's package is imported."""
    return project.replace("-", "_")


def repository(folder: Path, name: str = "demo", *, configuration: str = "", **project: Any) -> Path:
    """Make a repository of one project: kernel, `groundup.toml` where given, project; return `folder`.

    `project` are the arguments of `write_project`.
    """
    copy_kernel(folder)
    write_project(folder, name, **project)
    if configuration:
        write(folder, "groundup.toml", configuration)
    return folder


def bare_repository(folder: Path, configuration: str = "projects = []\n") -> Path:
    """Make the smallest repository: the kernel and a `groundup.toml`; nothing is to be installed."""
    copy_kernel(folder)
    write(folder, "groundup.toml", configuration)
    return folder


def workspace(folder: Path, members: Sequence[str] = ("left", "right"), **project: Any) -> Path:
    """Make a uv workspace: the root project `whole` depends on all `members` under `packages/`."""
    sources = {member: {"workspace": True} for member in members}
    repository(
        folder,
        "whole",
        dependencies=[*members, *project.pop("dependencies", ())],
        tool={"uv": {"workspace": {"members": ["packages/*"]}, "sources": sources}},
        **project,
    )
    for member in members:
        write_project(folder / "packages" / member, member)
    return folder


def monorepo(folder: Path, projects: Sequence[Mapping[str, Any]], **settings: Any) -> Path:
    """Make a repository of separate projects that share one environment; return `folder`.

    Each of `projects` holds the arguments of `write_project` (with `name`), and under `install` what its
    entry in the configuration's `projects` says: `editable`, `extras`, `groups`. `settings` are further
    keys of `groundup.toml`.
    """
    copy_kernel(folder)
    entries = []
    for described in projects:
        arguments = dict(described)
        install = arguments.pop("install", {})
        write_project(folder / arguments["name"], **arguments)
        entries.append({"path": arguments["name"], **install})
    write(folder, "groundup.toml", tomli_w.dumps({**settings, "projects": entries}))
    return folder


def entry_script(folder: Path, name: str, call: str) -> Path:
    """Write the entry script `entry_scripts/<name>`, which ends in `proto_kernel.<call>`; return its path."""
    script = write(
        folder,
        f"entry_scripts/{name}",
        f"""
        #!/usr/bin/env python3
        import os, sys
        sys.path.append(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
        import proto_kernel

        proto_kernel.{call}
        """,
    )
    script.chmod(0o755)
    return script
