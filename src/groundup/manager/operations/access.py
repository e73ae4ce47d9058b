"""API keys for some namespaces. Only a digest of each is kept."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from sqlalchemy import Row

from groundup.manager.clock import moment, new_state_id
from groundup.manager.errors import NotFoundError
from groundup.manager.operations.context import Session
from groundup.manager.store import api_keys
from groundup.nodes.wire import extensions

_PREFIX = "gup_"


def looks_like_key(text: str) -> bool:
    """Whether ``text`` may be one of these keys."""
    return text.startswith(_PREFIX)


def digest(key: str) -> str:
    """What is kept of a key; it is long and random, so nothing slower is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


def namespaces_of(session: Session, key_digest: str) -> frozenset[str] | None:
    """The namespaces of the key with this digest; None when there is none."""
    row = api_keys.find(session.connection, key_digest)
    return None if row is None else frozenset(row.namespaces)


def make(session: Session, request: extensions.NewKey) -> extensions.MadeKey:
    """A new key, which is shown this once."""
    key = _PREFIX + secrets.token_urlsafe(32)
    key_id = new_state_id()
    namespaces = sorted(set(request.namespaces))
    api_keys.add(
        session.connection,
        {
            "id": key_id,
            "name": request.name,
            "namespaces": namespaces,
            "digest": digest(key),
            "created_at": session.now,
        },
    )
    created_at = moment(session.now)
    return extensions.MadeKey(
        id=key_id, name=request.name, namespaces=namespaces, created_at=created_at, key=key
    )


def list_keys(session: Session) -> extensions.KeyList:
    """All keys, without what requests carry."""
    return extensions.KeyList(keys=[_info(row) for row in api_keys.all_keys(session.connection)])


def revoke(session: Session, key_id: str) -> extensions.RevokedKey:
    """Let a key open nothing any more.

    :raises NotFoundError: when there is none.
    """
    if not api_keys.remove(session.connection, key_id):
        raise NotFoundError("Key not found")
    return extensions.RevokedKey(id=key_id)


def _info(row: Row[Any]) -> extensions.KeyInfo:
    return extensions.KeyInfo(
        id=row.id, name=row.name, namespaces=row.namespaces, created_at=moment(row.created_at)
    )
