"""Values of states as JSON text, and back through the annotation of what the state returns.

Plain values and paths need no pydantic, whose import costs more than a run in which nothing is to be done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path, PurePath
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from groundup.dag.annotations import UNKNOWN

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_ANYTHING = (UNKNOWN, Any, object)
_SCALARS = (bool, int, str)
_PATHS = (Path, PurePath, type(Path()))
_UNIONS = (Union, UnionType)


def to_text(value: Any, annotation: Any) -> str | None:
    """Return JSON text from which :func:`from_text` makes a value equal to `value`; None where it cannot.

    :param annotation: type of the value; ``UNKNOWN`` when there is none: then only what JSON itself knows
        can be written.
    """
    try:
        text = _dump(value, annotation)
        return text if _same(_load(text, annotation), value) else None
    except Exception:  # serializers, validators and == are the user's own code
        return None


def from_text(text: str, annotation: Any) -> Any:
    """Return the value that `text` was made from.

    :raises ValueError: the text does not fit the annotation.
    """
    try:
        return _load(text, annotation)
    except Exception as error:  # validators are the user's own code
        raise ValueError(str(error)) from error


def _dump(value: Any, annotation: Any) -> str:
    if _is_plain(annotation):
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_path_text)
    return _adapter(annotation).dump_json(value, warnings=False).decode()


def _load(text: str, annotation: Any) -> Any:
    if _is_plain(annotation):
        return _fitted(json.loads(text), annotation)
    return _adapter(annotation).validate_json(text, strict=True)


def _path_text(value: Any) -> str:
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(type(value))


@lru_cache(maxsize=256)
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(annotation)


@lru_cache(maxsize=256)
def _is_plain(annotation: Any) -> bool:
    """Return whether :func:`_fitted` knows the annotation."""
    if annotation in (*_ANYTHING, None, NoneType, float, list, dict, *_SCALARS, *_PATHS):
        return True
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is dict:
        return arguments[0] is str and _is_plain(arguments[1])
    if origin is Literal:
        return all(type(value) in (*_SCALARS, NoneType) for value in arguments)
    if origin is tuple:
        return all(_is_plain(member) for member in arguments if member is not Ellipsis)
    return (origin is list or origin in _UNIONS) and all(map(_is_plain, arguments))


def _fitted(data: Any, annotation: Any) -> Any:
    """Return what JSON gave as the annotated type; raise ValueError where it is of another."""
    if annotation in _ANYTHING:
        return data
    fitted = _CONVERSIONS.get(get_origin(annotation) or annotation)
    if fitted is None:
        raise ValueError(f"{annotation} is not plain")
    return fitted(data, annotation)


def _scalar(data: Any, annotation: Any) -> Any:
    return _checked(data, type(data) is annotation)


def _none(data: Any, _annotation: Any) -> None:
    _checked(data, data is None)


def _float(data: Any, _annotation: Any) -> Any:
    return _checked(data, type(data) in (int, float))


def _path(data: Any, annotation: Any) -> Any:
    return annotation(_checked(data, type(data) is str))


def _list(data: Any, annotation: Any) -> Any:
    (member,) = get_args(annotation) or (Any,)
    return [_fitted(each, member) for each in _checked(data, type(data) is list)]


def _dict(data: Any, annotation: Any) -> Any:
    _, member = get_args(annotation) or (str, Any)
    return {key: _fitted(each, member) for key, each in _checked(data, type(data) is dict).items()}


def _tuple(data: Any, annotation: Any) -> Any:
    members: Iterable[Any] = get_args(annotation)
    each_data = _checked(data, type(data) is list)
    if Ellipsis in members:
        members = [get_args(annotation)[0]] * len(each_data)
    return tuple(_fitted(each, member) for each, member in zip(each_data, members, strict=True))


def _literal(data: Any, annotation: Any) -> Any:
    return _checked(data, any(type(data) is type(value) and data == value for value in get_args(annotation)))


def _union(data: Any, annotation: Any) -> Any:
    for member in get_args(annotation):
        try:
            return _fitted(data, member)
        except ValueError:
            continue
    raise ValueError(f"not {annotation}")


def _checked(data: Any, fits: bool) -> Any:
    if not fits:
        raise ValueError(f"{type(data).__name__} is not what is annotated")
    return data


_CONVERSIONS: Mapping[Any, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(_SCALARS, _scalar),
    **dict.fromkeys((None, NoneType), _none),
    **dict.fromkeys(_PATHS, _path),
    **dict.fromkeys(_UNIONS, _union),
    float: _float,
    list: _list,
    dict: _dict,
    tuple: _tuple,
    Literal: _literal,
}


def _same(one: Any, other: Any) -> bool:
    """Return whether two values are equal and of the same types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return len(one) == len(other) and all(
            _same(pair, second) for pair, second in zip(one.items(), other.items(), strict=True)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, set | frozenset):
        return {(type(member), member) for member in one} == {(type(member), member) for member in other}
    if isinstance(one, float):
        return one == other and repr(one) == repr(other)
    return bool(one == other) and _same_members(one, other)


def _same_members(one: Any, other: Any) -> bool:
    """Compare the fields of dataclasses and models, which == may leave out or take for equal."""
    names = getattr(type(one), "__dataclass_fields__", None) or getattr(
        type(one), "__pydantic_fields__", None
    )
    return all(_same(getattr(one, name, None), getattr(other, name, None)) for name in names or ())
