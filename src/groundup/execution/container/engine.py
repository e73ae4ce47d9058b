"""The engine: Docker, or Podman by the same interface. Found, spoken to, its refusals in words for people."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from groundup.errors import UserError
from groundup.execution.container.errors import ContainerError, EngineForbidden, EngineMissing

TIMEOUT = 60  # seconds for an answer
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
        _check_reachable(url)
        docker = _sdk()
        with speaking("connect to the engine"):
            self.api: Any = docker.APIClient(base_url=url, version="auto", timeout=TIMEOUT)
            self.info: dict[str, Any] = self.api.info()
            version: dict[str, Any] = self.api.version()
        parts = [str(part.get("Name", "")) for part in version.get("Components") or ()]
        self.name = "podman" if any("Podman" in part for part in parts) else "docker"

    @property
    def is_rootless(self) -> bool:
        """Whether root in a container is an ordinary user of the machine."""
        options = self.info.get("SecurityOptions") or ()
        return any("rootless" in str(option) for option in options)

    @property
    def processors(self) -> int:
        """Processors of the engine's machine."""
        return int(self.info.get("NCPU") or 1)

    def remove(self, name: str) -> None:
        """End a container at once and remove it; it need not exist."""
        import docker.errors

        with speaking(f"remove container {name}"):
            try:
                self.api.remove_container(name, force=True, v=True)
            except docker.errors.NotFound:
                pass
            except docker.errors.APIError as error:
                if error.status_code != 409:  # somebody else is removing it
                    raise

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


def _check_reachable(url: str) -> None:
    refusal = _refusal(url)
    if isinstance(refusal, PermissionError):
        raise EngineForbidden(
            f"no right to use the container engine at {url}: {refusal.strerror}",
            hint="join the group that owns the socket (often `docker`), or run a rootless engine",
        )
    if refusal is not None:
        raise EngineMissing(
            f"no container engine answers at {url}: {refusal.strerror or refusal}", hint=_START
        )


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
