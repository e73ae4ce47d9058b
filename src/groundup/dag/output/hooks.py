"""What stands in for the methods that start processes and threads, so that these belong to their state."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from groundup.dag.output.current import Outside, Running, current
from groundup.dag.output.processes import MARK
from groundup.dag.output.streams import Stream

if TYPE_CHECKING:
    import threading

Method = Callable[..., Any]

STREAMS = (("stdout", 4), ("stderr", 5))  # parameters of Popen, and their places after self
ENV = ("env", 10)


def popen(original: Method) -> Method:
    """Return a ``Popen.__init__`` that adds the process to its state, whose output it inherits."""

    @functools.wraps(original)
    def start(self: Any, *arguments: Any, **options: Any) -> None:
        running = current.get()
        if running is None:
            original(self, *arguments, **options)
            return
        with _added(running, self), _inheriting(running, list(arguments), options) as given:
            if running.children is not None:
                _mark(running.children.mark, given, options)
            original(self, *given, **options)

    return start


def process(original: Method) -> Method:
    """Return a ``multiprocessing.Process.start`` that adds the process to its state."""

    @functools.wraps(original)
    def start(self: Any) -> None:
        running = current.get()
        if running is None:
            original(self)
            return
        with _added(running, self):
            original(self)

    return start


def thread(original: Method) -> Method:
    """Return a ``Thread.start`` that lets the thread belong to the state that starts it."""

    @functools.wraps(original)
    def start(self: threading.Thread) -> None:
        running = current.get()
        if running is not None:
            self.run = functools.partial(_run_in, running, self.run)  # type: ignore[method-assign]
        original(self)

    return start


def submit(original: Method) -> Method:
    """Return a ``ThreadPoolExecutor.submit`` that lets the call belong to its state, the thread to none."""

    @functools.wraps(original)
    def start(self: Any, function: Method, /, *arguments: Any, **options: Any) -> Any:
        running = current.get()
        if running is None:
            return original(self, function, *arguments, **options)
        with Outside():
            return original(self, _run_in, running, function, *arguments, **options)

    return start


def _run_in(running: Running, function: Method, /, *arguments: Any, **options: Any) -> Any:
    token = current.set(running)
    try:
        return function(*arguments, **options)
    finally:
        current.reset(token)


@contextmanager
def _added(running: Running, starting: Any) -> Iterator[None]:
    """Add what is started in the block to its state, also when an interrupt comes in between."""
    children = running.children
    if children is None:
        yield
        return
    expected = children.expect()
    try:
        yield
    finally:
        pid = getattr(starting, "pid", None)
        if pid and getattr(starting, "returncode", None) is None:
            children.add(pid, expected, starting)


@contextmanager
def _inheriting(running: Running, arguments: list[Any], options: dict[str, Any]) -> Iterator[list[Any]]:
    """Give the state's output to a process, as the streams that it would have inherited."""
    inherited = [each for each in STREAMS if _is_inherited(*each, arguments, options)]
    with ExitStack() as stack:
        if inherited and running.receiver is not None:
            descriptor = stack.enter_context(running.receiver.lent())
            for name, place in inherited if descriptor is not None else ():
                if place < len(arguments):
                    arguments[place] = descriptor
                else:
                    options[name] = descriptor
        yield arguments


def _mark(mark: str, arguments: list[Any], options: dict[str, Any]) -> None:
    """Put the mark of a state into the variables that a process is to have."""
    name, place = ENV
    env = arguments[place] if place < len(arguments) else options.get(name)
    marked = {**(os.environ if env is None else env), MARK: mark}
    if place < len(arguments):
        arguments[place] = marked
    else:
        options[name] = marked


def _is_inherited(name: str, place: int, arguments: list[Any], options: dict[str, Any]) -> bool:
    stream = arguments[place] if place < len(arguments) else options.get(name)
    return stream is None or isinstance(stream, Stream)
