"""Secrets at rest."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.manager.errors import ManagerError, SecretKeyError
from groundup.manager.secrets import SecretCipher, generate_key


@given(st.text().filter(lambda text: text.encode("utf-8", "ignore").decode() == text))
def test_what_was_encrypted_comes_back(text: str) -> None:
    cipher = SecretCipher(generate_key())
    assert cipher.decrypt(cipher.encrypt(text)) == text


def test_the_stored_form_is_nonce_ciphertext_and_tag_in_base64() -> None:
    cipher = SecretCipher(generate_key())
    stored = cipher.encrypt("abc")
    assert len(base64.urlsafe_b64decode(stored)) == 12 + 3 + 16
    assert stored != cipher.encrypt("abc")


def test_another_key_does_not_open_it() -> None:
    stored = SecretCipher(generate_key()).encrypt("abc")
    with pytest.raises(ManagerError, match="cannot be decrypted"):
        SecretCipher(generate_key()).decrypt(stored)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("not base64!", "Key must be URL-safe base64 (44 chars for 32-byte key)"),
        ("ü", "Key must be URL-safe base64 (44 chars for 32-byte key)"),
        (base64.urlsafe_b64encode(b"short").decode(), "Key must be 32 raw bytes (256 bits)"),
        ("", "Key must be 32 raw bytes (256 bits)"),
    ],
)
def test_keys_that_are_none_are_refused(key: str, message: str) -> None:
    with pytest.raises(SecretKeyError, match=re.escape(message)) as caught:
        SecretCipher(key)
    assert caught.value.exit_code == 2
