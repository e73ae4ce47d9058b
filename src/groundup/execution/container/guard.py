"""The program that removes containers when the process that it belongs to, the caller, is dead.

It is started as ``groundup.execution.supervision.beside`` says, with ``-I -S``: standard library only, and
what costs time to import is imported when it is needed. A message on the control socket is a JSON object with
``engine``, an address, the ``name`` of a container there, and a ``word``: "add" to remove it at the end,
"drop" to leave it alone, "end" to remove it now. The end is also that of the control socket.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time

CONTROL, CALLER = 0, 1  # our descriptors: messages, readable when the caller is dead
PATIENCE = 10.0  # seconds in which a container may still appear that was asked for before the end
_PAUSE = 0.05


def main() -> None:
    """Take messages until there will be no more, then remove what is left."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # only the end of the caller ends us
    left: set[tuple[str, str]] = set()
    while (message := _next_message()) is not None:
        container = message["engine"], message["name"]
        if message["word"] == "add":
            left.add(container)
            continue
        left.discard(container)
        if message["word"] == "end":
            _start_removing(container)
    for container in left:
        _start_removing(container)


def _next_message() -> dict[str, str] | None:
    poll = select.poll()
    poll.register(CONTROL, select.POLLIN)
    poll.register(CALLER, select.POLLIN)
    ready = {descriptor for descriptor, _ in poll.poll()}
    content = os.read(CONTROL, 65536) if CONTROL in ready else b""  # what was said before the end counts
    if not content:
        return None
    message: dict[str, str] = json.loads(content)
    return message


def _start_removing(container: tuple[str, str]) -> None:
    import threading

    threading.Thread(target=_remove, args=container).start()


def _remove(engine: str, name: str) -> None:
    """Remove a container; one that is not there may be about to be made."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError):
            if _request(engine, "DELETE", f"/containers/{name}?force=1&v=1") in (200, 204):
                return
        time.sleep(_PAUSE)


def _request(engine: str, method: str, path: str) -> int:
    """Send a request without a body; return the status of the answer."""
    with _connect(engine) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
    return int(answer.split(b" ", 2)[1])


def _connect(engine: str) -> socket.socket:
    scheme, _, address = engine.partition("://")
    if scheme.endswith("unix"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        try:
            connection.connect(address)
        except OSError:
            connection.close()
            raise
        return connection
    host, _, port = address.rstrip("/").rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE)
