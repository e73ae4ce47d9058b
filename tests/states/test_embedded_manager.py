"""One process serves the state manager, the others join, and one of them goes on when it ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from groundup.errors import UserError
from groundup.manager import EmbeddedManager, ManagerInUseError
from groundup.manager.ownership import note_address
from groundup.nodes import Runtime, StateManager, embedded, set_embedded_manager
from groundup.states import embedded_manager as module
from groundup.states.embedded_manager import SharedManager, embedded_manager
from tests.support.background import until
from tests.support.managers import API_KEY, KEYS, ManagerProcess
from tests.support.server import LoopbackServer, QuietHandler
from tests.support.workers import Silent, running, step


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data/manager.db"


class Friendly(QuietHandler, BaseHTTPRequestHandler):
    """Finds everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


class Other(LoopbackServer):
    """Some program that speaks HTTP."""

    authority = None
    host = "127.0.0.1"
    handler = Friendly


def answers(manager: SharedManager) -> bool:
    request = urllib.request.Request(f"{manager.uri}/v0/namespaces", headers={"x-api-key": manager.key})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bool(answer.status == 200)


def test_the_first_serves_and_the_others_join(database: Path) -> None:
    with (
        SharedManager(database) as first,
        SharedManager(database) as second,
        SharedManager(database) as third,
    ):
        assert [each.serves for each in (first, second, third)] == [True, False, False]
        assert (first.uri, first.key) == (second.uri, second.key) == (third.uri, third.key)
        assert answers(third)


def test_when_the_first_ends_another_serves_at_the_same_address(database: Path) -> None:
    first = SharedManager(database).__enter__()
    with SharedManager(database) as second:
        uri = first.uri
        first.__exit__(None, None, None)
        until(lambda: second.serves, "the second serves")
        assert second.uri == uri
        assert answers(second)


def test_the_address_stays_from_one_start_to_the_next(database: Path) -> None:
    with SharedManager(database) as first:
        uri = first.uri
    with SharedManager(database) as again:
        assert again.uri == uri


def test_another_port_is_taken_when_somebody_has_the_last_one(database: Path) -> None:
    with SharedManager(database) as first:
        port = int(first.uri.rpartition(":")[2])
    with EmbeddedManager(database.with_name("other.db"), port=port), SharedManager(database) as again:
        assert again.uri != first.uri
        assert answers(again)


def test_another_program_at_the_last_address_is_not_taken_for_the_manager(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_START_SECONDS", 0.2)
    with EmbeddedManager(database), Other() as other:
        database.with_name("manager.db.address").write_text(other.base)
        with pytest.raises(ManagerInUseError, match="but does not answer"), SharedManager(database):
            pass


def test_it_joins_one_that_is_served_by_hand_and_goes_on_in_its_place(database: Path) -> None:
    with ManagerProcess(database, variables={}) as served:
        uri = served.uri
        with SharedManager(database) as joined:
            assert (joined.serves, joined.uri) == (False, uri)
            assert answers(joined)
            served.kill()
            until(lambda: joined.serves, "the one that joined serves")
            assert answers(joined)


@pytest.mark.parametrize(
    ("uri", "noted"),
    [
        ("http://0.0.0.0:8000", "http://127.0.0.1:8000"),
        ("http://[::]:8000", "http://[::1]:8000"),
        ("http://192.0.2.7:8000", "http://192.0.2.7:8000"),
    ],
)
def test_one_that_listens_everywhere_is_joined_on_loopback(tmp_path: Path, uri: str, noted: str) -> None:
    note_address(tmp_path / "manager.db", uri)
    assert (tmp_path / "manager.db.address").read_text() == f"{noted}\n"


def test_one_with_keys_of_its_own_is_joined_by_who_knows_its_key(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ManagerProcess(database, variables=KEYS) as served:
        with pytest.raises(UserError, match="was started with a key of its own") as error:
            until(lambda: served.uri, "it serves")
            SharedManager(database).__enter__()
        assert (
            error.value.hint
            == f"set EXOSPHERE_STATE_MANAGER_URI={served.uri} and its key as EXOSPHERE_API_KEY"
        )
        monkeypatch.setenv("STATE_MANAGER_SECRET", API_KEY)
        with SharedManager(database) as joined:
            assert (joined.uri, joined.key) == (served.uri, API_KEY)
            assert answers(joined)


def test_many_that_start_at_once_find_one_another(database: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from groundup.states.embedded_manager import SharedManager\n"
        "with SharedManager(Path(sys.argv[1])) as manager:\n"
        "    print(manager.uri, flush=True); sys.stdin.read()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    try:
        uris = {process.stdout.readline() for process in processes if process.stdout}
    finally:
        for process in processes:
            process.communicate()
    assert len(uris) == 1
    assert [process.returncode for process in processes] == [0] * 4


def test_without_a_kernels_environment_it_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("GROUNDUP_HOME", str(tmp_path / "home"))
    assert embedded_manager().database == tmp_path / "home/manager.db"


@pytest.fixture
def wired_by_nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    before = embedded.embedded_manager()
    set_embedded_manager(embedded._default)
    yield lambda: None
    set_embedded_manager(before)


def test_a_runtime_and_a_client_without_an_address_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wired_by_nobody: Callable[[], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("GROUNDUP_HOME", str(tmp_path / "home"))
    for name in ("EXOSPHERE_STATE_MANAGER_URI", "EXOSPHERE_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    async def main() -> None:
        async with running(Runtime("demo", "worker", [Silent])), StateManager("demo") as client:
            await client.upsert_graph("flow", [step(Silent, "a")], {})
            run_id = (await client.trigger("flow"))["run_id"]
            assert (await client.wait_for_run(run_id, timeout=30)).status == "SUCCESS"

    asyncio.run(main())
    assert (tmp_path / "home/manager.db").is_file()
