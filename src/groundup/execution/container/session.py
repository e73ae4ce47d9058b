"""One container, from its making to its end, and the one command that runs in it."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from groundup.errors import GroundupError
from groundup.execution.capture import Captured
from groundup.execution.container.attach import Attached
from groundup.execution.container.config import ContainerConfig
from groundup.execution.container.engine import Engine, speaking
from groundup.execution.container.guarding import guarded
from groundup.execution.container.recipe import Recipe
from groundup.execution.container.shell import script_lines, starter
from groundup.execution.run import Run
from groundup.execution.streams import Sink, Streams

_KILLED = 137
_PATIENCE = 5.0  # seconds without output, after which that of a container that has ended is complete


@dataclass(frozen=True)
class Ended:
    """How a command ended; `duration` is in seconds."""

    exit_code: int
    stdout: Captured
    stderr: Captured
    duration: float
    timed_out: bool


class Session:
    """A container for one command: started before that is known, where the image has a shell to wait for it.

    Nothing of it is left when it is closed, and when this process is dead.
    """

    def __init__(self, engine: Engine, config: ContainerConfig, recipe: Recipe, *, has_shell: bool) -> None:
        self._engine, self._config, self._recipe, self._has_shell = engine, config, recipe, has_shell
        self._name = f"groundup-{secrets.token_hex(8)}"
        self._stack = ExitStack()

    def start(self) -> None:
        """Make the container; start it, where it can wait for its command.

        :raises ContainerError: the engine does not do it.
        """
        try:
            self._ending = self._stack.enter_context(_Ending(self._engine, self._name))
            self._stack.enter_context(_removed(self._engine, self._name))
            if self._has_shell:
                self._begin(starter(), {})
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the container and remove it."""
        self._stack.close()

    @property
    def is_alive(self) -> bool:
        """Whether nobody has ended the container that was started."""
        return not self._ending.is_over

    def run(self, argv: Sequence[str], env: Mapping[str, str], run: Run) -> Ended:
        """Run the command to its end, or to its timeout; the container has ended then.

        :param env: variables besides those of the image.
        :raises Stopped: the run is not wanted any more.
        :raises ContainerError: the engine does not do it.
        """
        started = time.monotonic()
        deadline = None if run.timeout is None else started + run.timeout
        if self._has_shell:
            self._attached.send(script_lines(argv, env))
        else:
            self._begin(list(argv), env)
        out = Sink(run.on_stdout, capture=run.capture_output)
        err = Sink(run.on_stderr, capture=run.capture_output)
        with Streams() as streams:
            timed_out = not self._converse(streams, run, deadline, out, err)
        exit_code = _KILLED if timed_out else self._ending.exit_code
        duration = time.monotonic() - started
        return Ended(exit_code, out.captured, err.captured, duration, timed_out)

    def _begin(self, command: list[str], env: Mapping[str, str]) -> None:
        """Create with a command, connect, start."""
        program, *arguments = command
        options = self._recipe.arguments(self._engine, self._config)
        with speaking("make the container"):
            self._engine.api.create_container(
                name=self._name, entrypoint=[program], command=arguments, environment=dict(env), **options
            )
            wanted = dict.fromkeys(("stdin", "stdout", "stderr", "stream"), 1)
            self._attached = Attached(self._engine.api.attach_socket(self._name, params=wanted))
            self._stack.callback(self._attached.close)
            self._engine.api.start(self._name)
        self._ending.begin()

    def _converse(self, streams: Streams, run: Run, deadline: float | None, out: Sink, err: Sink) -> bool:
        """Move data until the container has ended; return whether it did so in time."""
        streams.watch(self._ending.news, self._ending.hear)
        if run.stop is not None:
            streams.stop_at(run.stop)
        self._attached.read(streams, out, err)
        self._attached.write(streams, run.stdin)
        in_time = streams.pump(self._ending.is_known, deadline)
        if not in_time:
            self._kill()
        heard = -1
        while heard != (heard := self._attached.received):
            if streams.pump(lambda: self._attached.at_end, time.monotonic() + _PATIENCE):
                break
        out.finish()
        err.finish()
        return in_time

    def _kill(self) -> None:
        import docker.errors

        with speaking("end the container"):
            try:
                self._engine.api.kill(self._name)
            except docker.errors.APIError as error:
                if error.status_code not in (404, 409):  # it has just ended
                    raise


class _Ending:
    """Waits for the end of a container in a thread of its own, and says it by a socket."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self._thread: threading.Thread | None = None
        self._error: GroundupError | None = None
        self._code: int | None = None
        self._known = False

    def __enter__(self) -> _Ending:
        self.news, self._teller = socket.socketpair()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave, after the container was removed: the thread has nothing to wait for any more."""
        if self._thread is not None:
            self._thread.join()
        self.news.close()
        self._teller.close()

    def begin(self) -> None:
        """Wait from now on."""
        self._thread = threading.Thread(target=self._wait, name="groundup-container", daemon=True)
        self._thread.start()

    def hear(self) -> None:
        """Take the news."""
        self.news.recv(1)
        self._known = True

    def is_known(self) -> bool:
        """Return whether the end was heard of."""
        return self._known

    @property
    def is_over(self) -> bool:
        """Whether it has ended, heard of or not."""
        return self._error is not None or self._code is not None

    @property
    def exit_code(self) -> int:
        """How it ended; raises what the engine said instead."""
        if self._error is not None:
            raise self._error
        return _KILLED if self._code is None else self._code

    def _wait(self) -> None:
        try:
            with speaking("say how the container ended"):
                answer: dict[str, Any] = self._engine.api.wait(self._name)
            self._code = int(answer["StatusCode"])
        except GroundupError as error:
            self._error = error
        self._teller.send(b"x")


@contextmanager
def _removed(engine: Engine, name: str) -> Iterator[None]:
    """Have a container removed at the end, however that comes."""
    with guarded(engine.url, name):
        try:
            yield
        finally:
            engine.remove(name)
