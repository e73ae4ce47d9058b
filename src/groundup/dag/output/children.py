"""Which child processes belong to which running state."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from groundup.dag.output.current import Running
from groundup.dag.output.processes import MARK
from groundup.errors import GroundupError

if TYPE_CHECKING:
    import subprocess
    from types import TracebackType

    from groundup.dag.output.processes import Process, Table

GRACE = 2.0  # seconds between SIGTERM and SIGKILL
REMEMBERED = 1024  # processes; beyond, those that are gone are forgotten
_numbers = itertools.count()


class StateEndedError(GroundupError):
    """A state is being ended, and wants to start a process or lost those that it had."""

    def __init__(self, what: str = "no process is started any more: the run is being ended") -> None:
        super().__init__(what, exit_code=130)


class Children:
    """The child processes of one running state, with everything that stems from them.

    In a ``with`` block, processes that are started in its context are added while :func:`watching`. Leaving
    the block ends none: a state may start what is meant to stay.

    :param outer: that of the state inside of which this one runs, if there is one: it has the processes too.
    """

    __slots__ = (
        "_ends",
        "_handles",
        "_known",
        "_limit",
        "_made",
        "_outer",
        "_running",
        "_stopped",
        "_unmarked",
    )

    def __init__(self, outer: Children | None = None) -> None:
        self._outer = outer
        self._made = (os.getpid(), time.monotonic_ns(), next(_numbers))
        self._unmarked: set[tuple[int, float]] = set()
        self._known: dict[int, float] = {}  # when each process started, by id
        self._handles: tuple[subprocess.Popen[Any], ...] = ()  # in place of these, where there are no facts
        self._limit = REMEMBERED
        self._ends = 0
        self._stopped = False

    def __enter__(self) -> Self:
        self._running = Running(self)
        self._running.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.__exit__(kind, error, trace)

    @property
    def mark(self) -> str:
        """What stands in the variables of the processes; put together late, since most states start none."""
        around = self._outer.mark if self._outer else os.environ.get(MARK, "")
        return f"{around}/{'.'.join(map(str, self._made))}"

    def end(self, grace: float = GRACE) -> None:
        """End the processes that there are and what stems from them; blocks until they are gone.

        SIGTERM goes to all of them, and SIGKILL to those that are alive after `grace` seconds. One whose
        start is in progress in another thread is killed as soon as it is there; later ones are not hindered.
        What left its session and lost its parent is found by its variables, on Linux. On Windows only the
        processes themselves are ended.
        """
        self._ends += 1
        _end([self], grace)

    def stop(self) -> None:
        """Let no process be started any more; what there is goes on until it is ended."""
        self._stopped = True

    @property
    def was_cut_off(self) -> bool:
        """Whether processes were ended that the state may not know to have been ended."""
        return self._stopped and bool(self._known or self._handles)

    def expect(self) -> int:
        """Return what :meth:`add` has to be told about the process that will be started next.

        :raises StateEndedError: none may be started any more.
        """
        if self._stopped:
            raise StateEndedError
        return self._ends + (self._outer.expect() if self._outer else 0)

    def add(self, pid: int, expected: int, handle: subprocess.Popen[Any] | None = None) -> None:
        """Add a child process that was just started; it is killed if its state was ended meanwhile.

        :param expected: what :meth:`expect` returned before the start.
        :param handle: what stands for the process; where there are no signals it is ended through this.
        """
        self._remember(pid, handle)
        try:
            too_late = self.expect() != expected
        except StateEndedError:
            too_late = True
        if too_late:
            alone = Children()
            alone._remember(pid, handle)
            alone.end(0)

    def living(self) -> list[Process]:
        """Return the processes that are alive, parents first, and remember all: parents of theirs may end."""
        from groundup.dag.output.processes import family, table

        source = table()
        if source is None or not self._known:
            return []
        processes = source.snapshot()
        marked = {each.pid: each.started for each in self._marked(source, processes)}
        found = list(family(self._known | marked, processes, source.slack))
        self._known.update((process.pid, process.started) for process in found)
        return [process for process in found if process.alive]

    def handles(self) -> list[subprocess.Popen[Any]]:
        """Return what stands for the processes, where nothing else is known of them."""
        return [handle for handle in self._handles if handle.returncode is None]

    def _marked(self, source: Table, processes: Mapping[int, Process]) -> Iterator[Process]:
        """Yield the processes that carry the mark; the variables of each are looked at once."""
        first = min(self._known.values())
        for process in processes.values():
            if process.started >= first and process.identity not in self._unmarked:
                if f"{source.mark_of(process.pid)}/".startswith(f"{self.mark}/"):
                    yield process
                else:
                    self._unmarked.add(process.identity)

    def _remember(self, pid: int, handle: subprocess.Popen[Any] | None) -> None:
        from groundup.dag.output.processes import table

        source = table()
        if source is None:
            self._handles = (*self.handles(), *([handle] if handle else []))
        elif (started := source.started(pid)) is not None:
            self._known[pid] = started
            if len(self._known) > self._limit:
                self._forget()
        if self._outer:
            self._outer._remember(pid, handle)

    def _forget(self) -> None:
        """Forget the processes that are gone, and of whose groups and sessions nothing is left."""
        from groundup.dag.output.processes import table

        known, source = self._known.copy(), table()
        processes = source.snapshot().values() if source else []
        in_use = {pid for process in processes for pid in (process.pid, process.group, process.session)}
        for pid in known.keys() - in_use:
            self._known.pop(pid, None)
        self._limit = len(self._known) + REMEMBERED


def stop_all(running: Collection[Children], grace: float = GRACE) -> None:
    """End the processes of several states at once, as :meth:`Children.end`, and let none be started again."""
    for children in running:
        children.stop()
    _end(running, grace)


def _end(running: Collection[Children], grace: float) -> None:
    from groundup.dag.output.ending import end_handles, end_processes

    end_processes(running, grace)
    end_handles([handle for children in running for handle in children.handles()], grace)
