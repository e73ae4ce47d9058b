"""One evaluation of a state's function: called, awaited or entered, in time, and tried again."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from groundup.dag.annotations import CO_COROUTINE, CO_GENERATOR, flags_of
from groundup.dag.errors import StateFailedError, StateTimeoutError
from groundup.dag.scope import Scopes
from groundup.dag.state import AnyState, Retries
from groundup.errors import UserError

if TYPE_CHECKING:
    from groundup.dag.loop import LoopThread

Retry = Callable[[int, BaseException, float], None]


class Evaluator:
    """Evaluates states; keeps what generators hold, and the loop of coroutines, until it is closed.

    :param scopes: surround what generators do at their end, and end the child processes of states.
    """

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._end_children = scopes.end_children
        self._resources = ExitStack()
        self._lock = threading.Lock()
        self._loop: LoopThread | None = None
        self._stopping = threading.Event()

    def evaluate(self, state: AnyState, arguments: Mapping[str, Any], on_retry: Retry) -> Any:
        """Return what the state gives.

        :param on_retry: is told the number of the failed attempt, its error, and the seconds until the next.
        :raises BaseException: what the last attempt raised.
        :raises StateTimeoutError: the last attempt took too long.
        """
        attempt = 1
        while True:
            try:
                return self._attempt(state, arguments)
            except UserError:  # wrong input does not get better
                raise
            except Exception as error:
                if attempt > state.retries.times or self._stopping.is_set():
                    raise
                delay = delay_before(state.retries, attempt)
                on_retry(attempt, error, delay)
            self._stopping.wait(delay)
            attempt += 1

    def is_satisfied(
        self, state: AnyState, check: Callable[..., bool | Awaitable[bool]], arguments: Mapping[str, Any]
    ) -> bool:
        """Return what the check of a state says; a coroutine is awaited.

        :raises BaseException: what the check raised.
        """
        said = check(**arguments)
        return bool(self._awaited(state, lambda: said, {}) if type(said) is CoroutineType else said)

    def interrupt(self) -> None:
        """Let no further attempt begin."""
        self._stopping.set()

    def close(self) -> None:
        """End the states that are generators, the last begun first, and the loop.

        :raises StateFailedError: the end of one failed; the others were ended nevertheless.
        """
        try:
            self._resources.close()
        finally:
            if self._loop is not None:
                self._loop.close()

    def _attempt(self, state: AnyState, arguments: Mapping[str, Any]) -> Any:
        function = state.function
        flags = flags_of(function)
        if flags & CO_COROUTINE:
            return self._awaited(state, function, arguments)
        if flags & CO_GENERATOR:
            return self._in_time(state, lambda: self._entered(state, arguments))
        if state.timeout is None:
            value = function(**arguments)
        else:
            value = self._in_time(state, lambda: function(**arguments))
        return self._awaited(state, lambda: value, {}) if type(value) is CoroutineType else value

    def _awaited(self, state: AnyState, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        return self._running_loop().run(function, arguments, state.timeout, self._end_children)

    def _entered(self, state: AnyState, arguments: Mapping[str, Any]) -> Any:
        manager = contextmanager(state.function)(**arguments)
        value = manager.__enter__()
        with self._lock:
            self._resources.callback(self._leave, state, manager)
        return value

    def _leave(self, state: AnyState, manager: AbstractContextManager[Any]) -> None:
        with self._scopes.of(state.name):
            try:
                manager.__exit__(None, None, None)
            except Exception as error:
                raise StateFailedError(state, error) from error

    def _in_time(self, state: AnyState, call: Callable[[], Any]) -> Any:
        if state.timeout is None:
            return call()
        from groundup.dag.limited import call_in_time

        done, value = call_in_time(call, state.timeout)
        if done:
            return value
        self._end_children()
        raise StateTimeoutError(state.timeout)

    def _running_loop(self) -> LoopThread:
        from groundup.dag.loop import LoopThread

        with self._lock:
            if self._loop is None:
                self._loop = LoopThread()
            return self._loop


def delay_before(retries: Retries, attempt: int) -> float:
    """Return the seconds between a failed attempt and the next, with full jitter.

    Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    import random

    most = min(retries.delay * retries.factor ** (attempt - 1), retries.longest)
    return random.uniform(0, most)  # noqa: S311 - nothing secret
