"""``groundup project create|list|show|run|remove|gc``: the projects of this user."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

from groundup import proto_kernel
from groundup.cli.commands.project import STDIN, overrides_of
from groundup.errors import UserError
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
    source = sys.stdin.buffer.read() if script == STDIN else script
    project = create_project(
        source,
        id=project_id,
        requirements=_requirements(source, added, overrides) if infer else list(added),
        force=force,
        on_progress=proto_kernel.LOG.say,
    )
    _write(_facts(project), as_json, lambda: [f"{project.id}  {project.path}"])
    return 0


def list_all(*, as_json: bool = False) -> int:
    """List all projects, by id."""
    projects = list_projects()
    width = max((len(project.id) for project in projects), default=0)
    _write(
        [_short(project) for project in projects],
        as_json,
        lambda: [f"{one.id:{width}}  {' '.join(one.requirements)}".rstrip() for one in projects],
    )
    return 0


def show(project_id: str, *, as_json: bool = False) -> int:
    """Show a project: where it is, its Python, what it requires and what is installed.

    :raises UserError: there is none of that id.
    """
    facts = _facts(get_project(project_id))
    _write(facts, as_json, lambda: _shown(facts))
    return 0


def run(  # noqa: PLR0913 - the options of the command
    project_id: str,
    arguments: Sequence[str],
    *,
    env: Sequence[str] = (),
    cwd: str | None = None,
    timeout: float | None = None,
    as_json: bool = False,
) -> int:
    """Run a project; its streams are those of the command, and so is its exit code.

    :param env: variables, each ``NAME=VALUE``.
    :param as_json: capture what it writes, and write the result as an object.
    :raises UserError: there is no such project, or a bad option.
    :raises ExecutionFailed: it took too long or was ended by a signal.
    """
    from groundup.execution import create_execution_runtime

    result = create_execution_runtime().run_project(
        project_id,
        *arguments,
        env=dict(_variables(env)),
        stdin=sys.stdin.buffer if sys.stdin else None,
        cwd=cwd,
        timeout=timeout,
        check=False,
        on_stdout=None if as_json else _writer(sys.stdout.buffer),
        on_stderr=None if as_json else _writer(sys.stderr.buffer),
        capture_output=as_json,
    )
    if as_json:
        names = ("exit_code", "stdout", "stderr", "duration", "phase", "environment")
        _write({name: _text(getattr(result, name)) for name in names}, as_json=True)
    elif result.phase == "timeout" or result.exit_code > 128:
        from groundup.execution import ExecutionFailed

        raise ExecutionFailed(result, f"project {project_id!r}", hint="its output is above")
    return result.exit_code


def remove(project_ids: Sequence[str]) -> int:
    """Remove projects with their environments.

    :raises UserError: there is none of an id; nothing is removed then.
    """
    for project_id in project_ids:
        get_project(project_id)
    for project_id in project_ids:
        remove_project(project_id)
    return 0


def gc(*, unused_days: float = 30, dry_run: bool = False, as_json: bool = False) -> int:
    """Remove environments that were not used for long, and what killed processes left."""
    from groundup.execution.garbage import collect_garbage

    found = collect_garbage(unused_days=unused_days, dry_run=dry_run)
    rows = [{"kind": one.kind, "path": str(one.path), "size": one.size} for one in found]
    total = sum(one.size for one in found)
    verb = "would free" if dry_run else "freed"
    lines = [f"{one.kind:11}  {_megabytes(one.size):>9}  {one.path}" for one in found]
    _write(rows, as_json, lambda: [*lines, f"{verb} {_megabytes(total)}"])
    return 0


def _requirements(source: bytes | str, added: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """Return what is added, and what the script imports besides."""
    from groundup.projects.inference import infer
    from groundup.projects.metadata import Declared, parse_metadata
    from groundup.projects.script import read_script

    script = read_script(source)
    metadata = parse_metadata(script.text(), script.name)
    explicit = tuple(Declared(text.strip(), "--with") for text in added)
    inference = infer(script, metadata, explicit, overrides_of(overrides))
    return [one.text for one in (*explicit, *inference.declared(script))]


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


def _text(value: object) -> object:
    """Return a value as JSON can have it: bytes that are no text become question marks."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _writer(stream: BinaryIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        stream.write(text.encode("utf-8", "surrogateescape"))
        stream.flush()

    return write


def _variables(given: Sequence[str]) -> Iterator[tuple[str, str]]:
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UserError(f"--env {text!r} is not NAME=VALUE", hint="such as --env MODE=fast")
        yield name, value


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
