"""``groundup project create|list|show|run|remove|gc``: the projects of this user."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from groundup import proto_kernel
from groundup.cli.commands.executing import Execution
from groundup.cli.commands.project import overrides_of, source_of
from groundup.cli.place import Where, runtime_at
from groundup.errors import GroundupError
from groundup.projects.project import Project, create_project, get_project, list_projects, remove_project


def create(  # noqa: PLR0913 - the options of the command
    script: str,
    *,
    project_id: str | None = None,
    added: Sequence[str] = (),
    infer: bool = False,
    overrides: Sequence[str] = (),
    force: bool = False,
    as_json: bool = False,
) -> int:
    """Make a project from a script and say where it is.

    :param script: path of a file, or ``-`` for stdin, which needs an id.
    :param added: requirements besides those of the script's block.
    :param infer: also require what the script imports.
    :raises UserError: a bad script, id or requirement; an id that is taken.
    :raises ProvisioningError: uv cannot resolve or install.
    """
    source = source_of(script)
    project = create_project(
        source,
        id=project_id,
        requirements=required(source, added, overrides) if infer else list(added),
        force=force,
        on_progress=proto_kernel.LOG.say,
    )
    _write(_facts(project), as_json, lambda: [f"{project.id}  {project.path}"])
    return 0


def required(source: bytes | str, added: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """Return what is added, and what the script imports besides."""
    from groundup.projects.inference import infer
    from groundup.projects.metadata import Declared, parse_metadata
    from groundup.projects.script import read_script

    script = read_script(source)
    metadata = parse_metadata(script.text(), script.name)
    explicit = tuple(Declared(text.strip(), "--with") for text in added)
    inference = infer(script, metadata, explicit, overrides_of(overrides))
    return [one.text for one in (*explicit, *inference.declared(script))]


def list_all(*, as_json: bool = False) -> int:
    """List all projects, by id."""
    rows = [_listed(project) for project in list_projects()]
    width = max((len(row["id"]) for row in rows), default=0)
    _write(rows, as_json, lambda: [f"{row['id']:{width}}  {_required(row)}".rstrip() for row in rows])
    return 0


def show(project_id: str, *, as_json: bool = False) -> int:
    """Show a project: where it is, its Python, what it requires and what is installed.

    :raises UserError: there is none of that id.
    """
    facts = _facts(get_project(project_id))
    _write(facts, as_json, lambda: _shown(facts))
    return 0


def run(project_id: str, arguments: Sequence[str], *, where: Where, execution: Execution) -> int:
    """Run a project; its streams are those of the command, and so is its exit code.

    :raises UserError: there is no such project, or a bad option.
    :raises ExecutionFailed: it took too long or was ended by a signal.
    """
    with runtime_at(where) as runtime:
        return execution.of(partial(runtime.run_project, project_id, *arguments))


def remove(project_ids: Sequence[str]) -> int:
    """Remove projects with their environments.

    :raises UserError: there is none of an id; nothing is removed then.
    """
    for project_id in project_ids:
        get_project(project_id)
    for project_id in dict.fromkeys(project_ids):
        remove_project(project_id)
    return 0


def gc(*, unused_days: float = 30, dry_run: bool = False, as_json: bool = False) -> int:
    """Remove what was made for runs and not used for long, and what killed processes left."""
    from groundup.execution.garbage import collect_garbage

    found = collect_garbage(unused_days=unused_days, dry_run=dry_run)
    rows = [{"kind": one.kind, "path": str(one.path), "size": one.size} for one in found]
    total = sum(one.size for one in found)
    verb = "would free" if dry_run else "freed"
    lines = [f"{one.kind:11}  {_megabytes(one.size):>9}  {one.path}" for one in found]
    _write(rows, as_json, lambda: [*lines, f"{verb} {_megabytes(total)}"])
    return 0


def _listed(project: Project) -> dict[str, Any]:
    """Return facts even of a project that is damaged, which must not hide the others."""
    try:
        return _short(project)
    except GroundupError:
        return {"id": project.id, "path": str(project.path), "requirements": None}


def _required(row: dict[str, Any]) -> str:
    return "(is damaged)" if row["requirements"] is None else " ".join(row["requirements"])


def _short(project: Project) -> dict[str, Any]:
    return {"id": project.id, "path": str(project.path), "requirements": list(project.requirements)}


def _facts(project: Project) -> dict[str, Any]:
    python = {"path": str(project.python), "version": project.python_version}
    packages = [{"name": name, "version": version} for name, version in project.packages.items()]
    works = project.environment.works()
    return {**_short(project), "python": python, "packages": packages, "works": works}


def _shown(facts: dict[str, Any]) -> Iterator[str]:
    yield f"id            {facts['id']}"
    yield f"path          {facts['path']}"
    yield f"python        {facts['python']['version']}{'' if facts['works'] else '  (is gone)'}"
    yield f"requirements  {' '.join(facts['requirements'])}".rstrip()
    for package in facts["packages"]:
        yield f"package       {package['name']} {package['version']}"


def _write(data: object, as_json: bool, lines: Callable[[], Sequence[str] | Iterator[str]] = list) -> None:
    text = [json.dumps(data, indent=2)] if as_json else lines()
    sys.stdout.writelines(f"{line}\n" for line in text)


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
