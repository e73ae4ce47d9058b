"""JSON as every language reads it: no NaN, no name twice, no half characters."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


def parse(text: str | bytes) -> Any:
    """Return the value of a JSON text; bytes are UTF-8, with or without a mark at their beginning.

    :raises ValueError: it is not JSON, a name stands twice in an object, a number is not finite, a text is
        no Unicode, or it is nested too deeply.
    """
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        value = json.loads(
            decoded,
            object_pairs_hook=_object,
            parse_constant=_not_finite,
            parse_float=_finite,
            parse_int=_whole,
        )
        dump(value)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def dump(value: Any) -> bytes:
    """Return `value` as a line of JSON in UTF-8.

    :raises ValueError: it cannot be said in JSON.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return f"{text}\n".encode()
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    except UnicodeEncodeError:
        raise ValueError("a text has half of a character (a lone surrogate)") from None


def plain(value: Any) -> Any:
    """Return `value` as reading it from JSON would give it.

    :raises ValueError: it cannot be said in JSON.
    """
    return parse(dump(value))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands twice in an object")
    return found


def _not_finite(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # the time that it takes grows with the square of them
        digits = len(text.lstrip("-"))
        raise ValueError(f"a whole number has {digits} digits, which are too many") from None


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large a number")
    return number
