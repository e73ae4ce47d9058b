"""`groundup serve`: a state manager as a process."""

from __future__ import annotations

import json
import signal

import pytest

from tests.support.background import Background
from tests.support.manager import Api, register
from tests.support.neo import Neo


def test_it_serves_the_file_in_root_until_sigterm(neo: Neo) -> None:
    command = neo.module("serve", "--port", "0", "--keep-runs", "1.5")
    with Background(command, env=dict(neo.env), cwd=neo.repo) as manager:
        manager.wait_for_stderr("state manager on http://127.0.0.1:")
        uri = manager.stderr.partition("state manager on ")[2].partition(",")[0]
        key = json.loads((neo.repo / ".groundup/manager.db.keys").read_text())["api_key"]
        assert register(uri, key) == 200
        assert Api(uri, None)("GET", "/health").status == 200
        manager.send(signal.SIGTERM)
        assert manager.wait() == 0
    assert manager.stdout == ""


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["--host", "0.0.0.0"], 2, "STATE_MANAGER_SECRET is not set"),
        (["--database", "mysql://host/name"], 2, "databases of the kind mysql are not supported"),
        (["--port", "70000"], 2, "Invalid value for '--port'"),
        (["--host", "203.0.113.1"], 1, "the state manager cannot listen on 203.0.113.1:8000"),
    ],
)
def test_what_cannot_be_served_is_one_clear_error(neo: Neo, words: list[str], code: int, error: str) -> None:
    done = neo.run(neo.module("serve", *words))
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"error: {error}")
