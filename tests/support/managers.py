"""State managers as processes of their own, as many as a test wants on one database."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.background import Background, until
from tests.support.manager import Api

API_KEY = "the key of the tests"
SECRETS_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
KEYS = {"STATE_MANAGER_SECRET": API_KEY, "SECRETS_ENCRYPTION_KEY": SECRETS_KEY}
PROGRAM = """
import json, logging, os, sys
from groundup.errors import GroundupError
from groundup.manager.operations.context import Settings
from groundup.manager.serving import Serving, from_environment, serve
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
database, host, port, metrics, settings = sys.argv[1:]
try:
    measured = {"metrics_port": int(metrics)} if metrics else {}
    more = {**from_environment(os.environ), **measured, "settings": Settings(**json.loads(settings))}
    serve(Serving(database, host, int(port), **more))
except GroundupError as error:
    sys.exit(f"error: {error}\\nhint: {error.hint}")
"""
_URI = re.compile(r"state manager on (http://\S+), database")


class ManagerProcess(Background):
    """A manager on `database`, started with the keys of the tests or other variables.

    :param settings: how it behaves, where that is not the default.
    :param by: a command that starts it, given the command that it is.
    """

    def __init__(
        self,
        database: Path | str,
        *,
        variables: Mapping[str, str] = KEYS,
        host: str = "127.0.0.1",
        port: int = 0,
        cwd: Path | None = None,
        metrics_port: int | None = None,
        settings: Mapping[str, int] | None = None,
        by: Sequence[str] = (),
    ) -> None:
        arguments = [*by, sys.executable, "-c", PROGRAM, str(database), host, str(port)]
        arguments += ["" if metrics_port is None else str(metrics_port), json.dumps(dict(settings or {}))]
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
