"""Secrets of flows at rest: AES-256-GCM, a fresh nonce each."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from groundup.manager.errors import SecretKeyError

_NONCE_BYTES = 12
_HOW_TO_DECRYPT = (
    "start with the SECRETS_ENCRYPTION_KEY that it was stored with, or name that key "
    "in SECRETS_ENCRYPTION_KEYS_OLD as well"
)


def generate_key() -> str:
    """A new key: URL-safe base64 of 32 random bytes."""
    return base64.urlsafe_b64encode(AESGCM.generate_key(bit_length=256)).decode()


class SecretCipher:
    """Encrypts and decrypts secrets.

    :param key: URL-safe base64 of 32 bytes, as :func:`generate_key` makes it.
    :param others: keys that secrets may have been encrypted with as well.
    :raises SecretKeyError: for anything else.
    """

    def __init__(self, key: str, others: Iterable[str] = ()) -> None:
        raw = [_raw_key(text) for text in (key, *others)]
        self._ciphers = {_key_id(one): AESGCM(one) for one in raw}
        self.key_id = _key_id(raw[0])

    def knows(self, key_id: str) -> bool:
        """Whether what was encrypted with this key can be decrypted."""
        return key_id in self._ciphers

    def encrypt(self, text: str) -> str:
        """URL-safe base64 of nonce, ciphertext and tag."""
        nonce = os.urandom(_NONCE_BYTES)
        encrypted = self._ciphers[self.key_id].encrypt(nonce, text.encode(), None)
        return base64.urlsafe_b64encode(nonce + encrypted).decode()

    def decrypt(self, stored: str) -> str:
        """The text that :meth:`encrypt` was given.

        :raises SecretKeyError: when it was encrypted with another key, or altered.
        """
        raw = base64.urlsafe_b64decode(stored)
        for cipher in self._ciphers.values():
            with suppress(InvalidTag):
                return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None).decode()
        raise SecretKeyError("a stored secret cannot be decrypted", hint=_HOW_TO_DECRYPT)


def _key_id(raw: bytes) -> str:
    """What names a key without telling anything about it."""
    return hashlib.sha256(b"groundup secrets " + raw).hexdigest()[:16]


def _raw_key(key: str) -> bytes:
    try:
        raw = base64.b64decode(key, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecretKeyError(
            "Key must be URL-safe base64 (44 chars for 32-byte key)",
            hint="make one with: python -c 'import os, base64;"
            " print(base64.urlsafe_b64encode(os.urandom(32)).decode())'",
        ) from error
    if len(raw) != 32:
        raise SecretKeyError("Key must be 32 raw bytes (256 bits)", hint="use 32 random bytes")
    return raw
