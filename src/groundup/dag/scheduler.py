"""When each state is settled, and in which thread: as soon as its parents are, in the order of the plan."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import Context
from heapq import heappop, heappush

from groundup.dag.outcome import Outcome
from groundup.dag.state import AnyState

STOP_SECONDS = 3.0
PATIENCE, MOST_PATIENCE = 0.002, 0.032  # seconds; a thread that looks up hinders the one that works


class Scheduler:
    """Settles planned states in up to `jobs` threads, of which the caller's is one.

    There is no central hand that gives work out: each thread takes the first state that is ready, settles it,
    and with the same grip of the lock takes the next. One thread leads and always takes; the others join in
    when, although something is ready, no state ended for a while, and go on as long as their states take
    that long. So a chain of states never changes threads, and many small states are not slowed down by
    threads that wait for one another.

    :param settle: ends a state; called once for each, from any of the threads, its parents before it. It may
        call :meth:`demand`.
    :param outcomes: where the outcome of each settled state is put; read while the lock is not held, so a
        name appears only once its outcome is final.
    """

    def __init__(
        self, settle: Callable[[AnyState], Outcome], outcomes: dict[str, Outcome], jobs: int
    ) -> None:
        self._settle = settle
        self._outcomes = outcomes
        self._jobs = jobs
        self._lock = threading.Lock()  # taken by itself: to take it through the condition takes longer
        self._changed = threading.Condition(self._lock)
        self._ready: list[tuple[int, str]] = []
        self._waiting: dict[str, int] = {}  # how many parents each state waits for; gone once it is taken
        self._planned: dict[str, AnyState] = {}
        self._places: dict[str, int] = {}  # of planned states in the order
        self._followers: dict[str, list[str]] = {}
        self._demanded: list[str] = []
        self._urgent = -(2**62)  # the next place before all that was planned
        self._idle = 0
        self._running = 0
        self._ended = 0
        self._stalled_at = -1  # how many had ended when none did so for a while
        self._lead: int | None = None  # the thread that takes without waiting
        self._is_watched = False  # whether a waiting thread looks up when nothing ends
        self._threads: list[threading.Thread] = []
        self._error: BaseException | None = None
        self._stopping = threading.Event()

    def run(self, planned: Iterable[AnyState]) -> None:
        """Settle `planned` states, parents first; what is settled already must not be among them.

        :raises BaseException: what interrupted this thread or a settling; no other begins then.
        """
        with self._lock:
            self._stopping.clear()
            self._error = None
            for place, state in enumerate(planned, len(self._places)):
                self._add(place, state)
            if len(self._ready) > 1:
                self._call_for_help()
        try:
            self._work(self._is_all_done)
        except BaseException:  # also when it is interrupted: no other state begins
            self._halt()
            raise

    def demand(self, name: str, planned: Iterable[AnyState]) -> None:
        """Settle `planned`, the last of which is `name`, before anything else; from within a settling.

        The thread helps with what was demanded, so that something always goes on.
        """
        with self._lock:
            self._demanded.append(name)
            for state in planned:
                self._hasten(state)
            self._changed.notify_all()
            if len(self._ready) > 1:
                self._call_for_help()
        try:
            self._work(lambda: name in self._outcomes, only_urgent=True)
        finally:
            self._demanded.remove(name)

    def stop(self) -> None:
        """Let no further state begin, and wait a while for those that run."""
        self._halt()
        threads, self._threads = self._threads, []
        deadline = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def _halt(self) -> None:
        with self._lock:
            self._stopping.set()
            self._ready.clear()
            self._waiting.clear()
            self._places = {name: at for name, at in self._places.items() if name in self._outcomes}
            self._planned = {name: self._planned[name] for name in self._places}
            self._changed.notify_all()

    def _is_all_done(self) -> bool:
        return not (self._waiting or self._running)

    def _add(self, place: int, state: AnyState) -> None:
        name, missing = state.name, 0
        self._planned[name] = state
        self._places[name] = place
        for parent in state.eager_parents:
            if parent not in self._outcomes:
                self._followers.setdefault(parent, []).append(name)
                missing += 1
        self._waiting[name] = missing
        if not missing:
            heappush(self._ready, (place, name))

    def _hasten(self, state: AnyState) -> None:
        name = state.name
        self._urgent += 1
        if name in self._waiting:
            self._places[name] = self._urgent
            if not self._waiting[name]:
                heappush(self._ready, (self._urgent, name))  # its other entry is passed over when it comes up
        elif name not in self._places:
            self._add(self._urgent, state)

    def _work(self, is_done: Callable[[], bool], *, only_urgent: bool = False) -> None:
        state: AnyState | None = None
        outcome: Outcome | None = None
        was_slow = False
        while True:
            with self._lock:
                if state is not None and outcome is not None:
                    self._finish(state.name, outcome)
                state = self._take(is_done, only_urgent, was_slow)
            if state is None:
                return
            began = time.perf_counter()
            try:
                outcome = self._settle(state)
            except BaseException as error:
                with self._lock:
                    self._running -= 1
                    self._error = self._error or error
                    self._changed.notify_all()
                raise
            was_slow = time.perf_counter() - began > PATIENCE

    def _take(self, is_done: Callable[[], bool], only_urgent: bool, was_slow: bool) -> AnyState | None:
        """Return the next state to settle, None when there is none left; the lock is held."""
        while True:
            if self._error is not None:
                raise self._error
            if self._stopping.is_set() or is_done():
                self._let_lead()
                return None
            if only_urgent or was_slow or self._leads():
                state = self._next(only_urgent)
                if state is not None:
                    return state
            was_slow = False
            self._let_lead()
            self._wait(only_urgent)

    def _next(self, only_urgent: bool) -> AnyState | None:
        while self._ready and (not only_urgent or self._ready[0][0] < 0):
            name = heappop(self._ready)[1]
            if self._waiting.pop(name, None) is not None:
                self._running += 1
                return self._planned[name]
        return None

    def _leads(self) -> bool:
        """Return whether this thread may take a state; where none ended for a while, every thread may."""
        thread = threading.get_ident()
        if self._lead is None or self._stalled_at == self._ended:
            self._lead = thread
        return self._lead == thread

    def _let_lead(self) -> None:
        if self._lead == threading.get_ident():
            self._lead = None

    def _wait(self, only_urgent: bool) -> None:
        is_stalled = False
        self._idle += 1
        try:
            if self._ready and not (only_urgent or self._is_watched):
                is_stalled = self._watch()
            else:
                self._changed.wait()
        finally:
            self._idle -= 1
        if is_stalled:
            self._stalled_at = self._ended
            self._call_all()

    def _watch(self) -> bool:
        """Wait while states that are ready are taken; return whether none ended for a while instead.

        Looks up the less often, the longer states have been ending. Meanwhile the lock is free.
        """
        ended, seconds = -1, PATIENCE
        self._is_watched = True
        self._lock.release()
        try:
            while self._ready and ended != self._ended and not self._stopping.is_set():
                ended = self._ended
                self._stopping.wait(seconds)
                seconds = min(seconds * 2, MOST_PATIENCE)
        finally:
            self._lock.acquire()
            self._is_watched = False
        return bool(self._ready) and ended == self._ended

    def _finish(self, name: str, outcome: Outcome) -> None:
        self._running -= 1
        self._ended += 1
        self._outcomes[name] = outcome
        freed = 0
        for follower in self._followers.pop(name, ()):
            if follower in self._waiting:
                self._waiting[follower] -= 1
                if not self._waiting[follower]:
                    heappush(self._ready, (self._places[follower], follower))
                    freed += 1
        if self._demanded or self._is_all_done():  # somebody waits for an outcome, not for work
            self._changed.notify_all()
        elif freed > 1:  # one of them is for this thread
            self._call_for_help()

    def _call_for_help(self) -> None:
        """Let a thread watch whether what is ready is taken."""
        if not self._idle:
            self._start_threads(1)
        elif self._demanded:  # who waits there takes no other work, and a call must not be lost on it
            self._changed.notify_all()
        elif not self._is_watched:
            self._changed.notify()

    def _call_all(self) -> None:
        """Wake or start threads for all states that are ready, besides the one that this thread takes."""
        spare = len(self._ready) - 1
        idle = self._idle
        self._changed.notify(max(spare, 0))
        self._start_threads(spare - idle)

    def _start_threads(self, most: int) -> None:
        for _ in range(min(most, self._jobs - 1 - len(self._threads))):
            thread = threading.Thread(target=self._help, name="groundup-state", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _help(self) -> None:
        # A lazy parent may be why this thread begins; in a new context it belongs to no state for that.
        with suppress(BaseException):  # it is kept in _error, which the thread of the run raises
            Context().run(self._work, lambda: False)
