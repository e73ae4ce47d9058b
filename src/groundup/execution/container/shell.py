"""The first process of a container: a shell that reads what to run, runs it, and ends all with it.

It is there because what has the process id 1 is another than all others: signals that it does not handle
are not delivered, and it has to reap what loses its parent. A shell does that, and says how its child ended.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from groundup.execution.tree import cannot_start

# What it says itself, such as "Killed", is no output of the command, which gets the stderr kept as 3.
_STARTER = r"""
exec 3>&2 2>/dev/null
read -r n
s=
while [ "$n" -gt 0 ]; do
IFS= read -r l
s="$s$l
"
n=$((n - 1))
done
eval "$s"
exit $?
"""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def starter() -> list[str]:
    """Return the command of a container that waits on its stdin for what it is to run."""
    return ["/bin/sh", "-c", _STARTER]


def script_lines(argv: Sequence[str], env: Mapping[str, str]) -> bytes:
    """Return what the shell reads: how many lines, and these. What follows is the command's stdin.

    :raises GroundupError: a word has a byte 0.
    """
    words = [*argv, *env.values()]
    if any("\0" in word for word in words):
        raise cannot_start(argv[0], "embedded null byte")
    lines = [f"export {name}={_quoted(value)}" for name, value in env.items() if _NAME.fullmatch(name)]
    # What a shell cannot name is set by env, a program of its own.
    others = [f"{name}={value}" for name, value in env.items() if not _NAME.fullmatch(name)]
    command = ["env", *others, *argv] if others else argv
    # In a process of its own from the redirection on: some shells redirect themselves while they wait.
    lines.append(f"(exec {' '.join(map(_quoted, command))} 2>&3 3>&-)")
    script = os.fsencode("\n".join(lines))
    return b"%d\n%s\n" % (script.count(b"\n") + 1, script)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
