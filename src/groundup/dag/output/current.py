"""The state whose evaluation goes on in a context: it owns what is started there, and what is written."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from groundup.dag.output.children import Children
    from groundup.dag.output.written import Output


class Running:
    """One evaluation of a state, in a ``with`` block: the context of the block belongs to it.

    Tasks and :func:`asyncio.to_thread` take it along, as all context variables; while :func:`watching`, so do
    threads and thread pools. To evaluate in another thread, run the call in a copy of the context.

    :param children: gets the processes that are started.
    :param output: gets what is written, and is finished at the end.
    :param receiver: gets what is written where there is no `output`, and goes on after the block; by default
        nothing changes: what is written goes where it went outside of the block.
    """

    __slots__ = ("_token", "children", "output", "receiver")

    def __init__(
        self, children: Children | None, output: Output | None = None, receiver: Output | None = None
    ) -> None:
        self.children = children
        self.output = output
        self.receiver = output or receiver

    def __enter__(self) -> Self:
        if self.receiver is None:
            outer = current.get()
            self.receiver = outer.receiver if outer else None
        self._token: Token[Running | None] = current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        current.reset(self._token)
        if self.output is not None:
            self.output.finish(_status(kind))


class Outside:
    """A ``with`` block that belongs to no state, wherever it is entered: for what a runner does itself.

    :param outer: the state to which it belongs nevertheless, since that one has the runner.
    """

    __slots__ = ("_outer", "_token")

    def __init__(self, outer: Running | None = None) -> None:
        self._outer = outer

    def __enter__(self) -> None:
        self._token: Token[Running | None] = current.set(self._outer)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        current.reset(self._token)


current: ContextVar[Running | None] = ContextVar("groundup_running_state", default=None)


def _status(kind: type[BaseException] | None) -> str:
    if kind is None:
        return "ok"
    return "failed" if issubclass(kind, (Exception, SystemExit)) else "interrupted"
