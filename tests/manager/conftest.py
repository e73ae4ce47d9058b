"""Managers for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from groundup.manager import EmbeddedManager
from tests.support.manager import BASE, HELLO, Api, Bench, hello


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedManager]:
    """A manager that answers over HTTP; tests keep apart by namespaces."""
    with EmbeddedManager(tmp_path_factory.mktemp("manager") / "manager.db") as manager:
        yield manager


@pytest.fixture
def api(served: EmbeddedManager) -> Api:
    return Api(served.uri, served.key)


@pytest.fixture(scope="module")
def registered(served: EmbeddedManager) -> None:
    """A node and a valid flow of one step in the namespace demo."""
    api = Api(served.uri, served.key)
    assert api("PUT", f"{BASE}/nodes/", {"runtime_name": "rt", "nodes": [HELLO]}).status == 200
    answer = api("PUT", f"{BASE}/graph/hello", {"secrets": {}, "nodes": [hello()]})
    assert answer.body["validation_status"] == "VALID"
