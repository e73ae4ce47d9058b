"""What surrounds the evaluation of a state: its output and its child processes, apart from others'."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Self

from groundup.dag.outcome import Outcome

if TYPE_CHECKING:
    from groundup.dag.output import Capture, Children, Output

TAIL = 20  # lines of the output of a state that failed


class Scope:
    """A ``with`` block around one evaluation."""

    __slots__ = ("_leave", "_running", "children", "output")

    def __init__(self, children: Children, output: Output | None, leave: Callable[[Scope], None]) -> None:
        from groundup.dag.output import Running

        self.children = children
        self.output = output
        self._leave = leave
        self._running = Running(children, output)

    def __enter__(self) -> Self:
        self._running.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None:  # an interrupt leaves it open: its children are still to be ended
            self._leave(self)
        self._running.__exit__(kind, error, None)

    @property
    def last_line(self) -> Callable[[], str] | None:
        """What tells the last line that was written so far."""
        return self.output.last_line if self.output else None

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

    def of(self, name: str) -> Scope:
        """Surround the evaluation of the state `name`, in this context."""
        from groundup.dag.output import Children

        if self._watching is None:
            self._watch()
        scope = Scope(Children(), self._capture.of(name) if self._capture else None, self._open.discard)
        self._open.add(scope)
        return scope

    def outside(self) -> AbstractContextManager[None]:
        """Surround what belongs to no state: what a listener writes is not captured."""
        from groundup.dag.output import Outside

        return Outside()

    def end_children(self) -> None:
        """End the child processes of the state that runs in this context."""
        from groundup.dag.output import current

        running = current.get()
        if running is not None and running.children is not None:
            running.children.end()

    def end_all_children(self) -> None:
        """End the child processes of all states that run, and let them start no more."""
        from groundup.dag.output import stop_all

        stop_all([scope.children for scope in self._open.copy()])

    def close(self) -> None:
        """Put back what was replaced in the process."""
        if self._watching is not None:
            self._watching.close()

    def _watch(self) -> None:
        from groundup.dag.output import watching

        with self._lock:
            if self._watching is None:
                stack = ExitStack()
                stack.enter_context(watching())
                self._watching = stack
