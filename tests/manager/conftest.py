"""Managers for the tests of this folder, each on every kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.manager import BASE, HELLO, Api, Bench, Served, hello, serving
from tests.support.postgres import PostgresServer

KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL of the session."""
    with PostgresServer() as server:
        yield server


@contextmanager
def fresh(request: pytest.FixtureRequest, folder: Path) -> Iterator[Path | str]:
    """The address of a new database of the kind that the fixture is parametrized with."""
    if request.param == "sqlite":
        yield folder / "manager.db"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        with server.schema() as url:
            yield url


@pytest.fixture(params=KINDS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """The address of a new database."""
    with fresh(request, tmp_path) as made:
        yield made


@pytest.fixture
def bench(address: Path | str) -> Iterator[Bench]:
    made = Bench(address)
    yield made
    made.database.close()


@pytest.fixture(scope="module", params=KINDS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A manager that answers over HTTP; tests keep apart by namespaces."""
    with fresh(request, tmp_path_factory.mktemp("manager")) as made, serving(made) as manager:
        yield manager


@pytest.fixture
def api(served: Served) -> Api:
    return Api(served.uri, served.key)


@pytest.fixture(scope="module")
def registered(served: Served) -> None:
    """A node and a valid flow of one step in the namespace demo."""
    api = Api(served.uri, served.key)
    assert api("PUT", f"{BASE}/nodes/", {"runtime_name": "rt", "nodes": [HELLO]}).status == 200
    answer = api("PUT", f"{BASE}/graph/hello", {"secrets": {}, "nodes": [hello()]})
    assert answer.body["validation_status"] == "VALID"
