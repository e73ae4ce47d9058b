"""Secrets of flows under a new key."""

from __future__ import annotations

from groundup.manager.errors import SecretKeyError
from groundup.manager.operations.context import Session
from groundup.manager.store import flows

_AT_ONCE = 50


def check(session: Session) -> None:
    """Go on when every secret can be decrypted, as far as its key was noted.

    :raises SecretKeyError: when one cannot.
    """
    cipher = session.context.cipher
    for key_id in flows.key_ids(session.connection):
        if key_id is not None and not cipher.knows(key_id):
            raise SecretKeyError(
                "secrets in the database are encrypted with another key",
                hint="start with the SECRETS_ENCRYPTION_KEY that they were stored with, or name that key "
                "in SECRETS_ENCRYPTION_KEYS_OLD as well",
            )


def encrypt_anew(session: Session) -> int:
    """Encrypt some of the secrets that are under another key with the present one; gives how many flows."""
    cipher = session.context.cipher
    rows = flows.with_other_key(session.connection, cipher.key_id, _AT_ONCE)
    for row in rows:
        secrets = {
            name: cipher.encrypt(cipher.decrypt(text)) for name, text in row.document["secrets"].items()
        }
        document = {**row.document, "secrets": secrets}
        flows.set_document(session.connection, row.seq, document, cipher.key_id)
    return len(rows)
