"""``groundup script run SCRIPT``: a script with what it requires, that is no project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from groundup.cli.commands.executing import Execution
from groundup.cli.commands.project import STDIN, source_of
from groundup.cli.commands.projects import required
from groundup.cli.place import Where, runtime_at


def run(  # noqa: PLR0913 - the options of the command
    script: str,
    arguments: Sequence[str],
    *,
    where: Where,
    execution: Execution,
    added: Sequence[str] = (),
    infer: bool = False,
    overrides: Sequence[str] = (),
) -> int:
    """Run a script; its streams are those of the command, and so is its exit code.

    :param script: path of a file, or ``-`` for stdin, of which nothing is left to read then.
    :param added: requirements besides those of the script's block.
    :param infer: also require what the script imports.
    :raises UserError: a bad script, requirement or option.
    :raises ExecutionFailed: it cannot be provided for, took too long, or was ended by a signal.
    """
    source = source_of(script)
    if script == STDIN:
        execution = replace(execution, stdin=b"")
    requirements = required(source, added, overrides) if infer else list(added)
    with runtime_at(where) as runtime:
        return execution.of(partial(runtime.run_script, source, *arguments, requirements=requirements))
