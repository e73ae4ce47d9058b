"""State managers as processes of their own, as many as a test wants on one database."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.background import Background, until
from tests.support.manager import Api

API_KEY = "the key of the tests"
SECRETS_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
KEYS = {"STATE_MANAGER_SECRET": API_KEY, "SECRETS_ENCRYPTION_KEY": SECRETS_KEY}
PROGRAM = """
import logging, os, sys
from groundup.errors import GroundupError
from groundup.manager.serving import Serving, from_environment, serve
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
database, host, port, metrics = sys.argv[1:]
try:
    measured = {"metrics_port": int(metrics)} if metrics else {}
    serve(Serving(database, host, int(port), **from_environment(os.environ), **measured))
except GroundupError as error:
    sys.exit(f"error: {error}\\nhint: {error.hint}")
"""
_URI = re.compile(r"state manager on (http://\S+), database")


class ManagerProcess(Background):
    """A manager on `database`, started with the keys of the tests or other variables."""

    def __init__(
        self,
        database: Path | str,
        *,
        variables: Mapping[str, str] = KEYS,
        host: str = "127.0.0.1",
        port: int = 0,
        cwd: Path | None = None,
        metrics_port: int | None = None,
    ) -> None:
        arguments = [sys.executable, "-c", PROGRAM, str(database), host, str(port)]
        arguments.append("" if metrics_port is None else str(metrics_port))
        env = {"PATH": os.environ["PATH"], **variables}
        super().__init__(arguments, env=env, cwd=cwd or Path.cwd())

    @property
    def uri(self) -> str:
        """Where it answers; waits for that."""
        until(lambda: self.ended() or _URI.search(self.stderr), "the manager answers")
        found = _URI.search(self.stderr)
        assert found is not None, self.stderr
        return found[1]

    def api(self, key: str = API_KEY) -> Api:
        """Calls it over HTTP."""
        return Api(self.uri, key)
