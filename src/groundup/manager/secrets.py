"""Secrets of flows at rest: AES-256-GCM, a fresh nonce each."""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from groundup.manager.errors import ManagerError, SecretKeyError

_NONCE_BYTES = 12


def generate_key() -> str:
    """A new key: URL-safe base64 of 32 random bytes."""
    return base64.urlsafe_b64encode(AESGCM.generate_key(bit_length=256)).decode()


class SecretCipher:
    """Encrypts and decrypts secrets.

    :param key: URL-safe base64 of 32 bytes, as :func:`generate_key` makes it.
    :raises SecretKeyError: for anything else.
    """

    def __init__(self, key: str) -> None:
        self._cipher = AESGCM(_raw_key(key))

    def encrypt(self, text: str) -> str:
        """URL-safe base64 of nonce, ciphertext and tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), None)).decode()

    def decrypt(self, stored: str) -> str:
        """The text that :meth:`encrypt` was given.

        :raises ManagerError: when it was encrypted with another key, or altered.
        """
        raw = base64.urlsafe_b64decode(stored)
        try:
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None).decode()
        except InvalidTag as error:
            raise ManagerError(
                "a stored secret cannot be decrypted",
                hint="start the manager with the SECRETS_ENCRYPTION_KEY that it was stored with",
            ) from error


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
