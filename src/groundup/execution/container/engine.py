"""The engine: Docker, or Podman by the same interface. Found, spoken to, its refusals in words for people."""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from groundup.errors import UserError
from groundup.execution.container.errors import ContainerError, EngineForbidden, EngineMissing

TIMEOUT = 60  # seconds for an answer
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # seconds
_CONNECT = "connect to the engine"
_VERSION, _PODMAN = "Api-Version", "Libpod-Api-Version"  # headers
_START = "start Docker or Podman's socket, or name the engine: engine='unix://…' or DOCKER_HOST"


class Engine:
    """A connection to an engine.

    :param url: ``unix://PATH`` or ``tcp://HOST:PORT``.
    :raises EngineMissing: nothing answers there.
    :raises EngineForbidden: this user may not use it.
    :raises UserError: the address is not one of these, or the SDK is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        greeting = _greeting(url)
        docker = _sdk()
        with speaking(_CONNECT):
            self.api: Any = docker.APIClient(base_url=url, version=greeting[_VERSION], timeout=TIMEOUT)
        self.name = "podman" if _PODMAN in greeting else "docker"

    @cached_property
    def info(self) -> dict[str, Any]:
        """What the engine says of itself; Podman asks the system's packages for it, which takes seconds."""
        with speaking("say what it is"):
            told: dict[str, Any] = self.api.info()
        return told

    @cached_property
    def is_rootless(self) -> bool:
        """Whether root in a container is an ordinary user of the machine."""
        listener = _listener(self.url)
        if listener is not None:
            return listener != 0
        options = self.info.get("SecurityOptions") or ()
        return any("rootless" in str(option) for option in options)

    @cached_property
    def processors(self) -> int:
        """Processors of the engine's machine."""
        if self.name == "podman":  # it runs on this one
            return os.cpu_count() or 1
        return int(self.info.get("NCPU") or 1)

    def remove(self, name: str) -> None:
        """End a container at once and remove it; it need not exist."""
        with speaking(f"remove container {name}"):
            for pause in _PAUSES:
                if self._has_removed(name):
                    return
                time.sleep(pause)
            self.api.remove_container(name, force=True, v=True)

    def _has_removed(self, name: str) -> bool:
        """Remove a container; return False where it ends just now, which Podman takes for an obstacle."""
        import docker.errors

        try:
            self.api.remove_container(name, force=True, v=True)
        except docker.errors.NotFound:
            return True
        except docker.errors.APIError as error:
            if "state improper" in str(error.explanation):
                return False
            if error.status_code != 409:  # somebody else is removing it
                raise
        return True

    def close(self) -> None:
        """Close the connections."""
        self.api.close()


def find_engine(url: str | None = None) -> str:
    """Return the address of the engine: `url`, else DOCKER_HOST, else the first usual socket that is there.

    :raises EngineMissing: there is none.
    """
    named = url or os.environ.get("DOCKER_HOST")
    if named:
        return named
    sockets = _usual_sockets()
    for path in sockets:
        if path.is_socket() and _refusal(f"unix://{path}") is None:
            return f"unix://{path}"
    for path in sockets:  # one that refuses says more than one that is not there
        if path.is_socket():
            return f"unix://{path}"
    looked = ", ".join(map(str, sockets))
    raise EngineMissing(f"no container engine: there is no socket at {looked}", hint=_START)


def answering_engines() -> list[str]:
    """Return the addresses of the engines that answer: at DOCKER_HOST, else at all usual sockets."""
    named = os.environ.get("DOCKER_HOST")
    urls = [named] if named else [f"unix://{path}" for path in _usual_sockets() if path.is_socket()]
    return [url for url in urls if _answers(url)]


def _answers(url: str) -> bool:
    try:
        return _refusal(url) is None
    except UserError:  # an address that cannot be used
        return False


def _usual_sockets() -> list[Path]:
    run = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    names = ("/var/run/docker.sock", f"{run}/docker.sock", f"{run}/podman/podman.sock")
    return [Path(name) for name in (*names, "/run/podman/podman.sock")]


def _greeting(url: str) -> HTTPMessage:
    """Return the headers with which an engine answers a ping.

    :raises EngineMissing: nothing answers; EngineForbidden: this user may not use it.
    :raises ContainerError: what answers is no engine.
    """
    connection = HTTPConnection("localhost", timeout=TIMEOUT)
    connection.sock = _connected(url)
    connection.sock.settimeout(TIMEOUT)
    try:
        connection.request("GET", "/_ping")
        headers = connection.getresponse().headers
    except (OSError, HTTPException) as error:
        raise refused(_CONNECT, str(error) or type(error).__name__) from error
    finally:
        connection.close()
    if _VERSION not in headers:
        raise refused(_CONNECT, f"what answers at {url} is no engine")
    return headers


def _connected(url: str) -> socket.socket:
    try:
        return connect(url)
    except PermissionError as error:
        raise EngineForbidden(
            f"no right to use the container engine at {url}: {error.strerror}",
            hint="join the group that owns the socket (often `docker`), or run a rootless engine",
        ) from error
    except OSError as error:
        raise EngineMissing(
            f"no container engine answers at {url}: {error.strerror or error}", hint=_START
        ) from error


def _listener(url: str) -> int | None:
    """Return the uid of who listens at a socket; None where that cannot be told."""
    with closing(_connected(url)) as connection:
        if connection.family != socket.AF_UNIX or not hasattr(socket, "SO_PEERCRED"):
            return None
        found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", found)[1]
    return uid


def _refusal(url: str) -> OSError | None:
    """Return why no connection can be made."""
    try:
        connect(url).close()
    except OSError as error:
        return error
    return None


def connect(url: str) -> socket.socket:
    """Return a plain connection to an engine; raises OSError.

    :raises UserError: the address is of another kind.
    """
    parts = urlsplit(url)
    if parts.scheme in ("unix", "http+unix"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(parts.netloc + parts.path)
        except BaseException:
            connection.close()
            raise
        return connection
    if parts.scheme in ("tcp", "http") and parts.hostname and not os.environ.get("DOCKER_TLS_VERIFY"):
        return socket.create_connection((parts.hostname, parts.port or 2375), timeout=TIMEOUT)
    raise UserError(
        f"an engine at {url} cannot be used",
        hint="unix://PATH or tcp://HOST:PORT without TLS: its containers must see this machine's files",
    )


def _sdk() -> Any:
    try:
        import docker
    except ImportError as error:
        raise UserError(
            "containers need the Docker SDK, which is not installed",
            hint="install groundup[containers]; it speaks to Podman, too",
        ) from error
    return docker


@contextmanager
def speaking(what: str) -> Iterator[None]:
    """Turn the SDK's errors in the block into ContainerError; `what` was being done."""
    import docker.errors
    import requests.exceptions

    try:
        yield
    except docker.errors.APIError as error:
        raise refused(what, str(error.explanation or error)) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise refused(what, str(error)) from error


_HINTS = (
    (r"could not select device driver|cdi|nvidia", "the engine has no support for GPUs; install its toolkit"),
    (
        r"bind source path does not exist|statfs .* no such file",
        "the engine does not see this machine's files: it must run on this machine, outside of containers",
    ),
    (r"exceeds .* limit|range of cpus|minimum memory", "correct the limits of the container"),
    (r"network .* not found", "create that network, or correct the setting `network`"),
    (r"timed out|connection aborted|remote", "check that the engine still runs"),
)


def refused(what: str, words: str) -> ContainerError:
    """Return the error for what an engine did not do, with its own words."""
    from groundup import proto_kernel

    words = proto_kernel.mask(" ".join(words.split()))
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, words.lower())), "")
    return ContainerError(f"the engine cannot {what}: {words}", hint=hint or "check the engine's log")
