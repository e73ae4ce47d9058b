"""What hostile scripts are let loose on: made by the test, and looked at afterwards."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.background import alive


@dataclass(frozen=True)
class World:
    """A home with a secret, a folder that everybody may write, servers, and a process that is the victim."""

    home: Path
    outside: Path
    victim: int
    port: int
    unix_socket: Path
    abstract_socket: str
    work: Path

    @property
    def secret_file(self) -> Path:
        """A file that says "secret"."""
        return self.home / "secret.txt"

    @property
    def told(self) -> str:
        """What a script is told, as JSON."""
        names = ("home", "secret_file", "outside", "victim", "port", "unix_socket", "abstract_socket")
        values = {name: getattr(self, name) for name in names}
        return json.dumps(values, default=str)

    def check_unharmed(self) -> None:
        """Fail where a script did something to it."""
        assert self.secret_file.read_text() == "secret"
        assert self.secret_file.stat().st_uid == os.getuid()
        assert self.secret_file.stat().st_nlink == 1
        assert list(self.outside.iterdir()) == []
        assert sorted(path.name for path in self.work.parent.iterdir()) == ["outside", "socket", "work"]
        assert alive(self.victim)


@contextmanager
def a_world(home: Path, folder: Path) -> Iterator[World]:
    """Make a world in `folder`; `home` is the caller's."""
    (home / "secret.txt").write_text("secret")
    outside, work = folder / "outside", folder / "work"
    outside.mkdir()
    outside.chmod(0o777)
    work.mkdir()
    abstract = f"groundup-{os.urandom(8).hex()}"
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for address in (str(folder / "socket"), f"\0{abstract}"):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(address)
            server.listen()
        (folder / "socket").chmod(0o777)
        victim = stack.enter_context(_victim())
        yield World(home, outside, victim, tcp.getsockname()[1], folder / "socket", abstract, work)


@contextmanager
def _victim() -> Iterator[int]:
    """Start a process that has a secret in its variables; it is waited for, so that its end is seen."""
    process = subprocess.Popen([sys.executable, "-I", "-c", "import signal; signal.pause()"])
    waiting = threading.Thread(target=process.wait)
    waiting.start()
    try:
        yield process.pid
    finally:
        process.kill()
        waiting.join()
