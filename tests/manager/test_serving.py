"""A manager as a process: where it listens, which keys it takes, how it ends."""

from __future__ import annotations

import http.client
import json
import signal
import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from groundup.manager import server
from tests.support.manager import BASE, register, serving
from tests.support.managers import API_KEY, KEYS, SECRETS_KEY, ManagerProcess


def refused(*arguments: object, **more: object) -> str:
    """The error of a manager that does not start."""
    with ManagerProcess(*arguments, **more) as process:  # type: ignore[arg-type]
        assert process.wait() == 1
    assert "Traceback" not in process.stderr
    assert "\nhint: " in process.stderr
    return process.stderr.partition("error: ")[2]


def test_it_serves_with_the_keys_of_its_variables_and_ends_in_order(address: Path | str) -> None:
    with ManagerProcess(address) as process:
        assert register(process.uri, API_KEY) == 200
        assert register(process.uri, "another") == 401
        process.send(signal.SIGTERM)
        assert process.wait() == 0
    with ManagerProcess(address) as process:
        assert process.api()("GET", f"{BASE}/nodes/").body["count"] == 1


def test_sigterm_answers_who_waits_for_work(tmp_path: Path) -> None:
    with ManagerProcess(tmp_path / "manager.db") as process:
        parts = urlsplit(process.uri)
        waiting = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        body = json.dumps({"nodes": ["None"], "batch_size": 1, "wait": 20_000})
        headers = {"x-api-key": API_KEY, "content-type": "application/json"}
        waiting.request("POST", f"{BASE}/states/enqueue", body, headers)
        assert process.api()("GET", "/health").status == 200
        process.send(signal.SIGTERM)
        assert waiting.getresponse().status == 200
        waiting.close()
        assert process.wait() == 0


def test_sigterm_ends_streams_of_events(tmp_path: Path) -> None:
    with ManagerProcess(tmp_path / "manager.db") as process:
        parts = urlsplit(process.uri)
        watching = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        watching.request("GET", "/v1/namespace/demo/events", headers={"x-api-key": API_KEY})
        response = watching.getresponse()
        assert response.readline() == b": watching\n"
        process.send(signal.SIGTERM)
        assert response.read().strip() == b""
        watching.close()
        assert process.wait() == 0
    assert "Traceback" not in process.stderr


@pytest.mark.parametrize("path", [f"{BASE}/nodes/", f"{BASE}/states/enqueue"])
def test_a_request_that_never_ends_is_answered_when_the_manager_does(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "_GRACE_SECONDS", 0)
    method = "PUT" if path.endswith("/nodes/") else "POST"
    with ExitStack() as parts:
        with serving(tmp_path / "manager.db") as manager:
            address = urlsplit(manager.uri)
            connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
            parts.callback(connection.close)
            connection.putrequest(method, path)
            headers = {"x-api-key": manager.key, "content-type": "application/json", "content-length": "9"}
            for name, value in (headers | {"expect": "100-continue"}).items():
                connection.putheader(name, value)
            connection.endheaders()
            assert connection.sock.recv(100).startswith(b"HTTP/1.1 100 Continue")
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (503, {"detail": "The state manager ends"})
        assert answer.headers["x-groundup-manager"] == "1"
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


def test_on_loopback_keys_are_made_for_a_file_and_kept(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/made/manager.db"
    with ManagerProcess(database, variables={}) as process:
        assert process.uri
        key = json.loads((tmp_path / "made/manager.db.keys").read_text())["api_key"]
        assert register(process.uri, key) == 200
    with ManagerProcess(database, variables={"STATE_MANAGER_SECRET": "mine"}) as process:
        assert register(process.uri, "mine") == 200
        assert register(process.uri, key) == 401


@pytest.mark.parametrize("missing", KEYS)
def test_what_others_reach_needs_both_keys(tmp_path: Path, missing: str) -> None:
    given = {name: value for name, value in KEYS.items() if name != missing}
    error = refused(tmp_path / "manager.db", variables=given, host="0.0.0.0")
    assert error.startswith(f"{missing} is not set\n")


def test_a_short_key_is_refused_where_others_reach(tmp_path: Path) -> None:
    variables = {**KEYS, "STATE_MANAGER_SECRET": "example@123"}
    error = refused(tmp_path / "manager.db", variables=variables, host="0.0.0.0")
    assert error.startswith("STATE_MANAGER_SECRET is too short for 0.0.0.0")
    assert "example" not in error


def test_a_shared_database_needs_both_keys_everywhere() -> None:
    address = "postgresql://somebody:word@127.0.0.1:1/x"
    assert refused(address, variables={}).startswith("STATE_MANAGER_SECRET is not set")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("abc", "Key must be URL-safe base64 (44 chars for 32-byte key)"),
        ("YWJj", "Key must be 32 raw bytes (256 bits)"),
    ],
)
def test_a_malformed_key_for_secrets_is_named(tmp_path: Path, key: str, message: str) -> None:
    variables = {**KEYS, "SECRETS_ENCRYPTION_KEY": key}
    assert refused(tmp_path / "manager.db", variables=variables).startswith(message)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = refused(tmp_path / "manager.db", port=port)
    assert error.startswith(f"the state manager cannot listen on 127.0.0.1:{port}: ")


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    error = refused("postgresql://somebody:word@127.0.0.1:1/x")
    assert error.startswith("the database postgresql://somebody:***@127.0.0.1:1/x cannot be used: ")
    assert "word@" not in error


@pytest.mark.parametrize("address", ["mysql://u:p@h/d", "sqlite://", "sqlite:///:memory:", "x://["])
def test_other_addresses_are_refused(address: str) -> None:
    assert "postgresql://host:5432/database" in refused(address)


def test_one_process_at_a_time_owns_a_file(tmp_path: Path) -> None:
    with ManagerProcess(tmp_path / "manager.db") as process:
        assert process.uri
        assert "another process serves the state manager in" in refused(tmp_path / "manager.db")


def test_browsers_may_call_from_the_configured_origins(tmp_path: Path) -> None:
    variables = {**KEYS, "CORS_ORIGINS": "https://one.example, https://two.example"}
    with ManagerProcess(tmp_path / "manager.db", variables=variables) as process:
        answer = process.api()("GET", "/health", origin="https://two.example")
        assert answer.headers["access-control-allow-origin"] == "https://two.example"
        assert (
            "access-control-allow-origin"
            not in process.api()("GET", "/health", origin="http://localhost:3000").headers
        )


def test_keys_and_secrets_stay_out_of_the_log(tmp_path: Path) -> None:
    with ManagerProcess(tmp_path / "manager.db") as process:
        register(process.uri, API_KEY)
        process.api()("PUT", f"{BASE}/graph/g", {"secrets": {"s": "hidden"}, "nodes": []})
        process.send(signal.SIGTERM)
        process.wait()
    assert not [word for word in (API_KEY, SECRETS_KEY, "hidden") if word in process.stderr]
