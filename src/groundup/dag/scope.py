"""What surrounds the evaluation of a state: its output and its child processes, apart from others'."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Self

from groundup.dag.outcome import Outcome

if TYPE_CHECKING:
    from groundup.dag.output import Capture, Children, Running

TAIL = 20  # lines of the output of a state that failed


class Scope:
    """A ``with`` block around one evaluation."""

    __slots__ = ("_leave", "_running", "output")

    def __init__(self, running: Running, leave: Callable[[Scope], None]) -> None:
        self.output = running.output
        self._leave = leave
        self._running = running

    def __enter__(self) -> Self:
        self._running.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None or issubclass(kind, Exception):  # an interrupt leaves its children to be ended
            self._leave(self)
        self._running.__exit__(kind, error, None)

    @property
    def children(self) -> Children | None:
        """The processes that were started in it."""
        return self._running.children

    @property
    def last_line(self) -> Callable[[], str] | None:
        """What tells the last line that was written so far."""
        return self.output.last_line if self.output else None

    def check_whole(self) -> None:
        """:raises StateEndedError: its processes were ended, so what it gave may be half of it."""
        if self.children is not None and self.children.was_cut_off:
            from groundup.dag.output import StateEndedError

            raise StateEndedError("its processes were ended before they were done")

    def end(self, outcome: Outcome) -> None:
        """Note how the evaluation ended."""
        if self.output:
            self.output.status = outcome.status.value
            if outcome.error is not None:
                outcome.output = self.output.tail(TAIL)


class Scopes:
    """Makes the surroundings of evaluations, and ends the child processes in them."""

    def __init__(self, capture: Capture | None) -> None:
        self._capture = capture
        self._open: set[Scope] = set()
        self._lock = threading.Lock()
        self._watching: ExitStack | None = None
        self._outer: Running | None = None

    def begin(self) -> None:
        """Note the state inside of which the run goes on, if there is one: what is not captured is its."""
        module = sys.modules.get("groundup.dag.output.current")  # where it was not imported, no state runs
        self._outer = module.current.get() if module else None

    def of(self, name: str) -> Scope:
        """Surround the evaluation of the state `name`, in this context."""
        if self._watching is None:
            self._watch()
        outer = self._outer
        children = self._children(outer.children if outer else None)
        output = self._capture.of(name) if self._capture else None
        scope = Scope(self._running(children, output, outer.receiver if outer else None), self._open.discard)
        self._open.add(scope)
        return scope

    def outside(self) -> AbstractContextManager[None]:
        """Surround what belongs to no state of the run: what a listener writes is not captured by it."""
        from groundup.dag.output import Outside

        return Outside(self._outer)

    def end_children(self) -> None:
        """End the child processes of the state that runs in this context."""
        from groundup.dag.output import current

        running = current.get()
        if running is not None and running.children is not None:
            running.children.end()

    def end_all_children(self, grace: float | None = None) -> None:
        """End the child processes of all states that run, and let them start no more.

        :param grace: seconds between asking and killing; default: that of all children.
        """
        from groundup.dag.output.children import GRACE, stop_all

        running = [scope.children for scope in self._open.copy() if scope.children]
        stop_all(running, GRACE if grace is None else grace)

    def close(self) -> None:
        """Put back what was replaced in the process."""
        if self._watching is not None:
            self._watching.close()

    def _watch(self) -> None:
        from groundup.dag.output import Children, Running, watching

        with self._lock:
            if self._watching is None:
                self._children, self._running = Children, Running
                stack = ExitStack()
                stack.enter_context(watching())
                self._watching = stack
