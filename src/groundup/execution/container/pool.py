"""Containers that are kept ready: each runs one command and is gone, another one takes its place."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from groundup.errors import GroundupError
from groundup.execution.container.recipe import Recipe
from groundup.execution.container.session import Session

_KINDS = 8  # recipes for which containers are kept


class Pool:
    """Started sessions, by recipe.

    :param size: how many are kept of each recipe.
    :param start: starts one.
    """

    def __init__(self, size: int, start: Callable[[Recipe], Session]) -> None:
        self._size, self._start = size, start
        self._lock = threading.Lock()
        self._ready: dict[Recipe, deque[Session]] = {}
        self._threads: set[threading.Thread] = set()
        self._closed = False

    def take(self, recipe: Recipe) -> Session:
        """Return a started session, one that is ready where there is one."""
        while (session := self._next(recipe)) is not None:
            if session.is_alive:
                return session
            session.close()
        return self._start(recipe)

    def _next(self, recipe: Recipe) -> Session | None:
        with self._lock:
            ready = self._ready.pop(recipe, deque())
            self._ready[recipe] = ready  # the last one that was used
            return ready.popleft() if ready else None

    def give_back(self, recipe: Recipe, session: Session) -> None:
        """Close a session and make others ready in its place, in the background."""
        self._later(lambda: self._replace(recipe, session))

    def close(self) -> None:
        """End all that are ready, and wait for what goes on in the background."""
        with self._lock:
            self._closed = True
            left = [session for ready in self._ready.values() for session in ready]
            self._ready.clear()
        for session in left:
            session.close()
        for thread in list(self._threads):
            thread.join()

    def _replace(self, recipe: Recipe, session: Session) -> None:
        for each in (session, *self._forgotten()):
            each.close()
        while self._wants(recipe):
            try:
                new = self._start(recipe)
            except GroundupError:  # the next run says it
                return
            if not self._keep(recipe, new):
                new.close()

    def _forgotten(self) -> list[Session]:
        """Take those out whose recipe was not used for the longest time."""
        forgotten: list[Session] = []
        with self._lock:
            while len(self._ready) > _KINDS:
                forgotten += self._ready.pop(next(iter(self._ready)))
        return forgotten

    def _wants(self, recipe: Recipe) -> bool:
        with self._lock:
            return not self._closed and len(self._ready.get(recipe, range(self._size))) < self._size

    def _keep(self, recipe: Recipe, session: Session) -> bool:
        with self._lock:
            ready = self._ready.get(recipe)
            if self._closed or ready is None or len(ready) >= self._size:
                return False
            ready.append(session)
            return True

    def _later(self, work: Callable[[], None]) -> None:
        if self._closed:
            work()
            return

        def run() -> None:
            try:
                work()
            finally:
                self._threads.discard(thread)

        thread = threading.Thread(target=run, name="groundup-containers", daemon=True)
        self._threads.add(thread)
        thread.start()
