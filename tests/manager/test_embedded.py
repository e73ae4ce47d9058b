"""The manager inside a process: start, end, keys, and who owns the database."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from groundup.manager import EmbeddedManager, ManagerError, ManagerInUseError
from groundup.manager.errors import DatabaseError
from groundup.manager.service import Bell
from tests.support.background import until
from tests.support.manager import Api, place, register, registration

NODES = "/v0/namespace/demo/nodes/"
OWNER = """
import sys
from groundup.manager import EmbeddedManager
with EmbeddedManager(sys.argv[1]) as manager:
    print(manager.uri, manager.key, flush=True)
    sys.stdin.read()
"""


def test_it_serves_on_loopback_for_as_long_as_the_block(tmp_path: Path) -> None:
    threads = threading.active_count()
    with EmbeddedManager(tmp_path / "made" / "manager.db") as manager:
        assert manager.uri.startswith("http://127.0.0.1:")
        assert register(manager.uri, manager.key) == 200
        address = ("127.0.0.1", int(manager.uri.rpartition(":")[2]))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    assert threading.active_count() <= threads + 1  # the pool of the event loop ends by itself


def test_data_and_keys_stay_with_the_database(tmp_path: Path) -> None:
    path = tmp_path / "manager.db"
    with EmbeddedManager(path) as manager:
        key = manager.key
        register(manager.uri, key, "Kept")
        body = {"secrets": {"s": "x"}, "nodes": []}
        assert Api(manager.uri, key)("PUT", "/v0/namespace/demo/graph/g", body).status == 400
    with EmbeddedManager(str(path)) as manager:
        assert manager.key == key
        assert Api(manager.uri, key)("GET", NODES).body["nodes"][0]["name"] == "Kept"


def test_the_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    with EmbeddedManager(tmp_path / "manager.db") as manager:
        keys = tmp_path / "manager.db.keys"
        assert stat.S_IMODE(keys.stat().st_mode) == 0o600
        assert manager.key in keys.read_text()
    assert sorted(path.name for path in tmp_path.iterdir() if "keys" in path.name) == ["manager.db.keys"]


def test_a_given_key_and_port_are_used(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with EmbeddedManager(tmp_path / "manager.db", port=port, key="mine") as manager:
        assert (manager.uri, manager.key) == (f"http://127.0.0.1:{port}", "mine")
        assert Api(manager.uri, "mine")("GET", NODES).status == 200
    assert "mine" not in (tmp_path / "manager.db.keys").read_text()


def test_a_port_that_is_taken_is_named_and_nothing_stays_behind(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ManagerError, match=f"cannot listen on 127.0.0.1:{port}"):
            EmbeddedManager(tmp_path / "manager.db", port=port).start()
    with EmbeddedManager(tmp_path / "manager.db"):
        pass


def test_two_managers_do_not_share_a_database(tmp_path: Path) -> None:
    path = tmp_path / "manager.db"
    with (
        EmbeddedManager(path),
        pytest.raises(ManagerInUseError, match="another process serves the state manager in") as caught,
    ):
        EmbeddedManager(path).start()
    assert caught.value.hint


def test_broken_keys_are_an_error_and_not_replaced(tmp_path: Path) -> None:
    keys = tmp_path / "manager.db.keys"
    keys.write_text("{}")
    with pytest.raises(DatabaseError, match=r"the keys of the state manager in .* cannot be read"):
        EmbeddedManager(tmp_path / "manager.db").start()
    assert keys.read_text() == "{}"


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match="cannot be used"):
        EmbeddedManager(tmp_path / "file" / "manager.db").start()


def test_closing_answers_who_waits_for_work(tmp_path: Path) -> None:
    statuses: list[int] = []
    body = {"nodes": ["None"], "batch_size": 1, "wait": 20_000}
    manager = EmbeddedManager(tmp_path / "manager.db")
    manager.start()
    api = Api(manager.uri, manager.key)

    def wait_for_work() -> None:
        statuses.append(api("POST", "/v0/namespace/demo/states/enqueue", body).status)

    waiting = threading.Thread(target=wait_for_work)
    waiting.start()
    bells = [found for found in gc.get_objects() if isinstance(found, Bell)]
    until(lambda: any(bell._waiting for bell in bells), "somebody waits for work")
    manager.close()
    waiting.join(10)
    assert statuses == [200]


def owner(path: Path) -> tuple[subprocess.Popen[str], Api]:
    """A process that serves the database until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    uri, key = process.stdout.readline().split()
    return process, Api(uri, key)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_another_process_cannot_take_the_database_until_its_owner_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "manager.db"
    process, _ = owner(path)
    try:
        with pytest.raises(ManagerInUseError):
            EmbeddedManager(path).start()
    finally:
        kill(process)
    with EmbeddedManager(path):
        pass


def test_nothing_that_was_answered_is_lost_when_the_manager_is_killed_between_any_two_calls(
    tmp_path: Path,
) -> None:
    def call(method: str, where: str, body: object = None) -> Any:
        process, api = owner(tmp_path / "manager.db")
        try:
            answer = api(method, f"/v0/namespace/demo{where}", body)
        finally:
            kill(process)
        assert answer.status in {200, 201}
        return answer.body

    places = [place("a", "b"), place("b")]
    call("PUT", "/nodes/", {"runtime_name": "rt", "nodes": [registration("Node").model_dump()]})
    call("PUT", "/graph/g", {"secrets": {}, "nodes": [node.model_dump() for node in places]})
    run_id = call("POST", "/graph/g/trigger", {})["run_id"]
    for _ in places:
        (state,) = call("POST", "/states/enqueue", {"nodes": ["Node"], "batch_size": 9})["states"]
        for _repeat in range(2):  # as a worker does that did not get the answer
            answer = call("POST", f"/state/{state['state_id']}/executed", {"outputs": []})
            assert answer == {"status": "EXECUTED"}
    shown = call("GET", f"/states/run/{run_id}/graph")["nodes"]
    assert [(node["identifier"], node["status"]) for node in shown] == [("a", "SUCCESS"), ("b", "SUCCESS")]


def test_importing_the_manager_is_light() -> None:
    code = (
        "import sys, groundup.manager; heavy = {'fastapi', 'uvicorn', 'sqlalchemy', 'cryptography'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert output.stdout.strip() == "[]"


@pytest.mark.filterwarnings("ignore:unclosed resource:ResourceWarning")  # nobody was left to close it
def test_a_server_that_ends_by_itself_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with EmbeddedManager(tmp_path / "manager.db"):
        (thread,) = (thread for thread in threading.enumerate() if thread.name == "groundup-manager")
        loops = [found for found in gc.get_objects() if isinstance(found, asyncio.AbstractEventLoop)]
        (loop,) = (loop for loop in loops if loop.is_running())
        loop.call_soon_threadsafe(sys.exit)
        thread.join(20)
        assert not thread.is_alive()
    assert "the state manager ended by itself" in caplog.text
