"""HTTP in a thread: a listening socket, a server that tells when it answers and ends in order."""

from __future__ import annotations

import logging
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from groundup.manager.errors import ManagerError
from groundup.manager.service import ManagerService

logger = logging.getLogger(__name__)

_GRACE_SECONDS = 5


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to ``host`` and ``port``; 0 takes a free port.

    :raises ManagerError: when that cannot be.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # with the protocol named, asyncio turns Nagle's algorithm off: 40 ms less for each answer
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """The URI of what listens there."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _cannot_listen(host: str, port: int, error: OSError) -> ManagerError:
    return ManagerError(
        f"the state manager cannot listen on {host}:{port}: {error.strerror or error}",
        hint="choose an address of this machine, and another port, or 0 for a free one",
    )


class ServerThread(uvicorn.Server):
    """Serves ``app`` in a thread of its own until it is stopped."""

    def __init__(self, app: ASGIApp, service: ManagerService, listener: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="on",
                loop="auto",  # uvloop, which takes half the time for a connection, wherever there is one
                proxy_headers=False,  # nothing here looks at where a request comes from
                log_config=None,
                access_log=False,
                ws="none",
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._service = service
        self._listener = listener
        self._answering = threading.Event()
        self.ended = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run_in_thread, name="groundup-manager", daemon=True)

    def start(self) -> None:
        """Start serving; returns when it answers.

        :raises ManagerError: when it does not start.
        """
        self._thread.start()
        self._answering.wait()
        if not self.started:
            raise ManagerError("the state manager did not start") from self._failure

    def wait(self) -> None:
        """Return when `ended` is set, by whomever.

        :raises ManagerError: when the server ended by itself.
        """
        while not self.ended.wait(1):  # with a limit, so that signals are seen on Windows too
            pass
        if self._failure is not None:
            raise ManagerError("the state manager ended by itself") from self._failure

    def stop(self) -> None:
        """Finish what is under way, then end."""
        self.should_exit = True
        self._service.bell.close()
        self._thread.join()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As the server does, then tell."""
        await super().startup(sockets)
        self._answering.set()

    def _run_in_thread(self) -> None:
        try:
            self.run(sockets=[self._listener])
        except BaseException as error:
            self._failure = error
            if self.started:
                logger.exception("the state manager ended by itself")
        finally:
            self._answering.set()
            self.ended.set()
