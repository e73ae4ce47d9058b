"""A process with everything that it starts: its streams are drained, its end is the end of all of them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundup.errors import GroundupError
from groundup.execution.capture import Captured
from groundup.execution.containment import Containment, containment
from groundup.execution.streams import Callback, Sink, Stdin, Stopped, Streams
from groundup.execution.tree import Tree, cannot_start, split_stdin, start_tree

__all__ = ["Callback", "Ended", "Stdin", "Stopped", "run_process"]

_LINE = 1000  # bytes


@dataclass(frozen=True)
class Ended:
    """How a process ended; `duration` is in seconds, `containment` is what held its tree."""

    exit_code: int
    stdout: Captured
    stderr: Captured
    duration: float
    timed_out: bool
    containment: str


def run_process(  # noqa: PLR0913 - the options of a run
    argv: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: Stdin | None = None,
    timeout: float | None = None,
    on_stdout: Callback | None = None,
    on_stderr: Callback | None = None,
    capture_output: bool = True,
    stop: int | None = None,
    contained_by: Containment | None = None,
) -> Ended:
    """Run a process to its end, or to the end of `timeout` seconds, and kill what it leaves behind.

    :param env: all variables of the process; PWD is set to its working folder.
    :param stdin: text, bytes, or an open file; by default there is nothing to read.
    :param on_stdout: called in this thread with text as it arrives, never split inside a character.
    :param on_stderr: as `on_stdout`.
    :param capture_output: False to keep nothing of what is written.
    :param stop: a descriptor; when it becomes readable, the tree is killed and :class:`Stopped` is raised.
    :param contained_by: what holds its tree; by default the strongest that works here.
    :raises GroundupError: when the process cannot be started.

    Whatever the callbacks raise, KeyboardInterrupt and the death of this process end the whole tree.
    """
    started = time.monotonic()
    deadline = None if timeout is None else started + timeout
    held = contained_by or containment()
    folder = _folder(cwd)
    out, err = Sink(on_stdout, capture=capture_output), Sink(on_stderr, capture=capture_output)
    with Streams() as streams, _start(argv, {**env, "PWD": folder}, stdin, held, streams) as tree:
        tree.attach(streams)
        if stop is not None:
            streams.stop_at(stop)
        streams.read(tree.stdout, out)
        streams.read(tree.stderr, err)
        timed_out = not streams.pump(tree.ended, deadline, tree.interval)
        tree.kill()
        streams.drain()
    _check_start(held, tree.exit_code, err.captured)
    duration = time.monotonic() - started
    return Ended(tree.exit_code, out.captured, err.captured, duration, timed_out, held.name)


def _folder(cwd: Path | None) -> str:
    try:
        return os.path.abspath(cwd) if cwd is not None else os.getcwd()  # noqa: PTH100, PTH109
    except FileNotFoundError as error:
        raise GroundupError("the working folder was removed", hint="change to another one") from error


def _start(
    argv: Sequence[str | os.PathLike[str]],
    env: Mapping[str, str],
    stdin: Stdin | None,
    contained_by: Containment,
    streams: Streams,
) -> Tree:
    descriptor, content = split_stdin(stdin)
    if descriptor is not None:
        return start_tree(argv, env, descriptor, contained_by)
    if content is None:
        read = os.open(os.devnull, os.O_RDONLY)
    else:
        read, write = os.pipe()
        streams.write(write, content)
    try:
        return start_tree(argv, env, read, contained_by)
    finally:
        os.close(read)


def _check_start(contained_by: Containment, exit_code: int, stderr: Captured) -> None:
    """Raise what bubblewrap says when it did not get as far as the command."""
    if contained_by.prefix and exit_code == 1 and len(stderr) < _LINE:
        words = stderr.text().strip()
        if words.startswith("bwrap: ") and "\n" not in words:
            raise cannot_start("the command", words)
