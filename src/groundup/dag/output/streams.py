"""sys.stdout and sys.stderr while output is captured: what a state writes goes to its output.

What is written by no state goes to the stream that was there before. Whoever got a stream earlier, such as
a handler of logging, goes on writing to it.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self, TextIO

from groundup.dag.output.current import current

if TYPE_CHECKING:
    from types import TracebackType

    from groundup.dag.output.written import Output


class Stream(io.TextIOBase):
    """A text stream that writes to the output of the state that runs in the context, else to `real`."""

    def __init__(self, real: TextIO) -> None:
        self.real = real
        self.is_retired = False
        self._buffer = Buffer(real)

    def write(self, text: str) -> int:
        """Write text; a state's is encoded as UTF-8."""
        output = receiver()
        if output is None or not output.write(_encoded(text)):
            return self.real.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if receiver() is None:
            self.real.flush()

    def isatty(self) -> bool:
        return receiver() is None and self.real.isatty()

    def fileno(self) -> int:
        """Return the descriptor under the stream."""
        return _descriptor(self.real)

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Do nothing: the stream belongs to all states."""

    @property
    def closed(self) -> bool:
        return receiver() is None and self.real.closed

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.real.encoding if receiver() is None else "utf-8"

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self.real.errors if receiver() is None else "surrogateescape"

    @property
    def newlines(self) -> Any:  # type: ignore[override]
        return self.real.newlines

    @property
    def buffer(self) -> Any:
        return self.real.buffer if receiver() is None else self._buffer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class Buffer(io.BufferedIOBase):
    """The bytes under a :class:`Stream`, for a state."""

    def __init__(self, real: TextIO) -> None:
        self._real = real

    def write(self, data: Any) -> int:
        """Write bytes."""
        output, content = receiver(), bytes(data)
        if output is None or not output.write(content):
            self._real.buffer.write(content)
        return len(content)

    def flush(self) -> None:
        """Do nothing: a state's bytes are in its file at once."""

    def fileno(self) -> int:
        """Return the descriptor under the stream."""
        return _descriptor(self._real)

    def writable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Do nothing: the stream belongs to all states."""


class Nowhere(io.TextIOBase):
    """What stands for a stream that this process does not have."""

    def write(self, text: str) -> int:
        """Forget text."""
        return len(text)


class Streams:
    """Both streams, replaced in a ``with`` block; blocks may overlap in any way."""

    def __enter__(self) -> Self:
        with _lock:
            self.stdout, self.stderr = self._replace("stdout"), self._replace("stderr")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _lock:
            self._restore("stdout", self.stdout)
            self._restore("stderr", self.stderr)

    def _replace(self, name: str) -> Stream:
        real: Any = getattr(sys, name) or Nowhere()
        stream = Stream(real)
        setattr(sys, name, stream)
        return stream

    def _restore(self, name: str, stream: Stream) -> None:
        stream.is_retired = True
        if getattr(sys, name) is stream:
            real: Any = stream
            while isinstance(real, Stream) and real.is_retired:
                real = real.real
            setattr(sys, name, None if isinstance(real, Nowhere) else real)


def receiver() -> Output | None:
    """Return the output that gets what is written in this context."""
    running = current.get()
    output = running.receiver if running else None
    return None if output is None or output.is_finished else output


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")
    except AttributeError:
        raise TypeError(f"write() argument must be str, not {type(text).__name__}") from None


def _descriptor(real: TextIO) -> int:
    output = receiver()
    descriptor = output.expose() if output else None
    return real.fileno() if descriptor is None else descriptor


_lock = threading.Lock()
