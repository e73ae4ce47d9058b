"""Outcomes that arrive one by one, recorded together: as many as came while the last ones were written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from groundup.manager.operations import bulk
from groundup.manager.operations.outcomes import Answer
from groundup.nodes.wire import extensions

_MOST_TOGETHER = 200


class Writing(Protocol):
    """How operations are carried out."""

    def __call__(
        self, operation: Callable[..., Any], namespace: str, what: Any, /
    ) -> Coroutine[Any, Any, Any]:
        """Carry out ``operation`` in a transaction."""


@dataclass(slots=True, eq=False)
class _Waiting:
    item: extensions.AnyOutcome
    answer: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def settle(self, answer: Answer) -> None:
        if not self.answer.done():  # who asked may have gone
            self.answer.set_result(answer)

    def fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class OutcomeDesk:
    """Takes outcomes, each for itself.

    :param write: carries out an operation.
    :param writers: how many transactions may be under way.
    """

    def __init__(self, write: Writing, writers: int) -> None:
        self._write = write
        self._free = writers
        self._waiting: dict[str, list[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def record(self, namespace: str, item: extensions.AnyOutcome) -> Answer:
        """Record an outcome; gives what it is answered with.

        :raises ManagerError: as it would be by itself.
        """
        waiting = _Waiting(item)
        self._waiting.setdefault(namespace, []).append(waiting)
        if self._free:
            self._free -= 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiting.answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                namespace = next(iter(self._waiting))
                waiting = self._waiting.pop(namespace)
                if rest := waiting[_MOST_TOGETHER:]:
                    self._waiting[namespace] = rest
                await self._record(namespace, waiting[:_MOST_TOGETHER])
        finally:
            self._free += 1

    async def _record(self, namespace: str, waiting: Sequence[_Waiting]) -> None:
        answers: Sequence[Answer | None] = [None] * len(waiting)
        if len(waiting) > 1:
            with suppress(Exception):  # when one of them is at fault, each is recorded by itself
                answers = await self._write(bulk.record_plain, namespace, [each.item for each in waiting])
        alone = []
        for each, answer in zip(waiting, answers, strict=True):
            if answer is None:
                alone.append(self._record_one(namespace, each))
            else:
                each.settle(answer)
        await asyncio.gather(*alone)

    async def _record_one(self, namespace: str, waiting: _Waiting) -> None:
        try:
            waiting.settle(await self._write(bulk.record_one, namespace, waiting.item))
        except Exception as error:
            waiting.fail(error)
