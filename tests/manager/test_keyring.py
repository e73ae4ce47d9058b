"""Keys tell nothing by how long it takes to refuse them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest

from groundup.manager.api.keyring import Access, Keyring
from groundup.manager.operations import access
from groundup.manager.operations.context import Context
from groundup.manager.secrets import SecretCipher, generate_key
from groundup.manager.service import ManagerService
from groundup.manager.store.database import Database
from groundup.nodes.wire import extensions

KEY = "the-key-for-everything"


def _compared(*_: object) -> NoReturn:
    raise AssertionError("a key is compared in a time that depends on it")


class GuardedBytes(bytes):
    """What no comparison that stops at the first difference may see."""

    __eq__ = __ne__ = __lt__ = __hash__ = _compared


class Guarded(str):
    """The same as text."""

    __eq__ = __ne__ = __lt__ = __hash__ = _compared

    def encode(self, *_: object) -> GuardedBytes:
        """Its bytes, guarded as well."""
        return GuardedBytes(super().encode())


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ManagerService]:
    with closing(Database(tmp_path / "manager.db")) as database:
        yield ManagerService(database, Context(SecretCipher(generate_key())))


def test_a_key_is_compared_whole(service: ManagerService) -> None:
    """The key for everything by a comparison of constant time, others by a digest of them."""

    async def main() -> list[Access | None]:
        made = await service.write(access.make, extensions.NewKey(name="team", namespaces=["team"]))
        keyring = Keyring(service, KEY)
        given = (KEY, KEY[:-1], "", "x" * 9999, made.key, made.key[:-1], "gup_")
        return [await keyring.access(Guarded(key)) for key in given]

    team = Access(frozenset({"team"}))
    assert asyncio.run(main()) == [Access(), None, None, None, team, None, None]


def test_the_guard_guards() -> None:
    with pytest.raises(AssertionError, match="in a time that depends on it"):
        assert Guarded(KEY) == KEY
    with pytest.raises(AssertionError, match="in a time that depends on it"):
        assert Guarded(KEY).encode() == KEY.encode()
