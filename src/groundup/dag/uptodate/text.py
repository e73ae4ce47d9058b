"""Text of values that is the same in every process, as far as values have one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeAlias

_PLAIN = frozenset({type(None), bool, float, complex, str, bytes, type(Ellipsis), type(NotImplemented)})
_BASES = (str, bytes, bytearray, bool, int, float, complex)
# Modules whose values say all of themselves in their repr.
_SPEAKING = frozenset({"datetime", "decimal", "fractions", "ipaddress", "re", "uuid", "zoneinfo"})
_SPEAKING_TYPES = frozenset({range, slice})
_REPR_DIGITS = 64  # bits; the decimal text of very long numbers is slow, and refused at some length
SHORT = 60
DIGEST_LENGTH = 32
_HIDDEN = "secret"
_SHOWN_SECRET = re.compile(rf"{_HIDDEN} [0-9a-f]{{{DIGEST_LENGTH}}}")

SecretDigest: TypeAlias = Callable[[str], str]


def digest(text: str) -> str:
    """Return the digest of `text`: :data:`DIGEST_LENGTH` hexadecimal digits."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_LENGTH // 2).hexdigest()


def short(text: str) -> str:
    """Return `text` shortened to what a line can show, and without digests of secrets."""
    text = _SHOWN_SECRET.sub(_HIDDEN, text)
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"


def type_name(kind: type) -> str:
    """Return the qualified name of a type."""
    return f"{kind.__module__}.{kind.__qualname__}"


def stable_text(value: Any, secret: SecretDigest = digest) -> str | None:
    """Return the text of `value`; None when something in it has none, as objects known by address only.

    :param secret: what stands for the text of a secret.
    """
    try:
        return StableText(secret).of(value)
    except (_NoTextError, RecursionError):
        return None


class _NoTextError(Exception):
    """A value has no stable text."""


class StableText:
    """Writes values: plain ones, containers, paths, enums, dataclasses, models, and what derives from them.

    Derived classes say what becomes of all others in :meth:`other`.

    :param secret: returns what stands for the text of a secret.
    """

    def __init__(self, secret: SecretDigest) -> None:
        self._secret = secret
        self._open: set[int] = set()

    def of(self, value: Any) -> str:
        """Return the text of `value`; what contains itself is written once."""
        kind = type(value)
        if kind in _PLAIN:
            return repr(value)
        if kind is int:
            return _integer(value)
        if id(value) in self._open:
            return "…"
        self._open.add(id(value))
        try:
            return self._composite(kind, value)
        finally:
            self._open.discard(id(value))

    def other(self, value: Any) -> str:
        """Return the text of a value that is nothing of the above."""
        raise _NoTextError(value)

    def special(self, value: Any) -> str | None:  # noqa: ARG002 - for derived classes
        """Return the text of a value that is to be written in a way of its own."""
        return None

    def _composite(self, kind: type, value: Any) -> str:
        if isinstance(value, list | tuple):
            return f"{_label(kind)}[{', '.join(map(self.of, value))}]"
        if isinstance(value, Mapping):
            return f"{_label(kind)}{{{self.pairs(value)}}}"
        if isinstance(value, Enum):
            return f"{type_name(kind)}({value.name}={self.of(value.value)})"
        if isinstance(value, PurePath):
            return f"{kind.__name__}({str(value)!r})"
        if isinstance(value, set | frozenset):
            return f"{_label(kind)}{{{', '.join(sorted(map(self.of, value)))}}}"
        if isinstance(value, _BASES):
            return f"{type_name(kind)}({_base_text(value)})"
        if kind.__module__ in _SPEAKING or kind in _SPEAKING_TYPES:
            return f"{type_name(kind)} {value!r}"
        special = self.special(value)
        if special is not None:
            return special
        if hasattr(kind, "get_secret_value"):
            return f"{_HIDDEN} {self._secret(self.of(value.get_secret_value()))}"
        fields = fields_of(value)
        return self.other(value) if fields is None else f"{type_name(kind)}({self.pairs(fields)})"

    def pairs(self, pairs: Mapping[Any, Any]) -> str:
        """Return the text of keys and values."""
        return ", ".join(f"{self.of(key)}: {self.of(value)}" for key, value in pairs.items())


def _integer(value: int) -> str:
    return str(value) if value.bit_length() <= _REPR_DIGITS else hex(value)


def _base_text(value: Any) -> str:
    base = next(base for base in _BASES if isinstance(value, base))
    return _integer(int(value)) if base is int else base.__repr__(value)


def _label(kind: type) -> str:
    return kind.__name__ if kind.__module__ == "builtins" else type_name(kind)


def fields_of(value: Any) -> Mapping[str, Any] | None:
    """Return the fields of a dataclass or of a pydantic model; None when it is neither."""
    kind = type(value)
    if hasattr(kind, "__dataclass_fields__"):
        return {name: getattr(value, name, None) for name in kind.__dataclass_fields__}
    if hasattr(kind, "__pydantic_validator__"):
        return {**vars(value), **(getattr(value, "__pydantic_extra__", None) or {})}
    return None
