"""The command line. Little is imported here: a warm boot comes through on its way to ``ready``.

``groundup`` on PATH hands everything to the kernel of the repository around the current folder, which comes
back through ``python -I -m groundup`` inside that repository's environment.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

TYPE_CHECKING = False  # as in `typing`, whose import costs time
if TYPE_CHECKING:
    from pathlib import Path

IN_PROCESS = (["init"], ["--version"])  # need no repository


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    :param argv: a command of the neo runtime with its arguments, to run in this process. None: the words of
        the console script ``groundup``, most of which go to the kernel.
    """
    from groundup.cli.failures import guarded

    if argv is None:
        return guarded(lambda: _dispatch(sys.argv[1:]))
    return guarded(lambda: _run(list(argv)))


def _dispatch(words: list[str]) -> int:
    from groundup.cli.kernel_file import hand_over, missing_kernel
    from groundup.config.kernel_file import find_kernel

    if words[:1] in IN_PROCESS:
        return _run(words)
    kernel = find_kernel()
    if kernel is None:
        if words in ([], ["-h"], ["--help"]):
            return _run(["--help"])
        if _without_offline(words)[:1] in (["project"], ["script"]):  # these are the user's, of no repository
            return _run(words)
        raise missing_kernel()
    return _run(words, kernel) if words[:1] == ["kernel"] else hand_over(kernel, words)


def _without_offline(words: list[str]) -> list[str]:
    return words[1:] if words[:1] == ["--offline"] else words


def _run(words: list[str], kernel: Path | None = None) -> int:
    if words[:1] == ["--offline"]:
        from groundup import proto_kernel

        proto_kernel.LOG.offline = True
        words = _without_offline(words)
    if words[:1] == ["reach"] and not any(word.startswith("-") for word in words[1:] if word != "-q"):
        return _reach([word for word in words[1:] if word != "-q"], is_quiet="-q" in words)
    from groundup.cli.app import run

    return run(words, kernel)


def _reach(names: list[str], *, is_quiet: bool) -> int:
    import gc

    gc.disable()  # what is imported here stays: to search it for garbage, now and at the end, costs a sixth
    from groundup.cli.commands.reach import reach
    from groundup.cli.shown import Shown
    from groundup.states import builtin_modules

    builtin_modules()
    gc.freeze()
    gc.enable()
    return reach(names, shown=Shown(quiet=is_quiet))
