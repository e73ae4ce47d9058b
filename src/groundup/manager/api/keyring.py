"""Which namespaces an API key opens."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import HTTPException

from groundup.manager.operations import access
from groundup.manager.service import ManagerService

_REMEMBERED_SECONDS = 5.0
_REMEMBERED_KEYS = 1024


@dataclass(frozen=True)
class Access:
    """What a key opens; None are all namespaces."""

    namespaces: frozenset[str] | None = None

    def require(self, namespace: str) -> None:
        """Go on when the key is for ``namespace``.

        :raises HTTPException: 403 when it is not.
        """
        if self.namespaces is not None and namespace not in self.namespaces:
            raise HTTPException(403, f"This API key is not for namespace {namespace}")

    def require_all(self) -> None:
        """Go on when the key is for all namespaces.

        :raises HTTPException: 403 when it is not.
        """
        if self.namespaces is not None:
            raise HTTPException(403, "This API key is not for all namespaces")


_ALL = Access()


class Keyring:
    """The key for everything, and those in the database, which are remembered for a few seconds."""

    def __init__(
        self, service: ManagerService, key: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._service = service
        self._key = key.encode()
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Access | None]] = OrderedDict()

    async def access(self, given: str) -> Access | None:
        """What the key ``given`` opens, compared in constant time; None when it is no key."""
        if hmac.compare_digest(given.encode(), self._key):
            return _ALL
        if not access.looks_like_key(given):
            return None
        digest = access.digest(given)
        until, found = self._known.get(digest, (0.0, None))
        if until < self._clock():
            namespaces = await self._service.read(access.namespaces_of, digest)
            found = None if namespaces is None else Access(namespaces)
            self._remember(digest, found)
        return found

    def forget(self) -> None:
        """Ask the database again."""
        self._known.clear()

    def _remember(self, digest: str, found: Access | None) -> None:
        self._known.pop(digest, None)
        self._known[digest] = (self._clock() + _REMEMBERED_SECONDS, found)
        if len(self._known) > _REMEMBERED_KEYS:
            self._known.popitem(last=False)
