"""Options from the fields of a pydantic model: their names, kinds, defaults and descriptions."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import Parameter
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic_core import PydanticUndefined
from rich.markup import escape

from groundup.cli.options import option

LISTS = (list, set, frozenset, tuple)
METAVARS = {int: "INT", float: "FLOAT", str: "TEXT"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a model, as an option.

    :ivar key: under which the model takes it.
    :ivar names: of the option, as they are typed; of a flag, also the one that switches it off.
    :ivar parameter: as typer gets it; without a value it is None.
    :ivar is_path: whether it is a path, or a list of paths.
    """

    key: str
    names: str
    parameter: Parameter
    is_path: bool = False


def fields_of(model: Any, *, required: str = "required") -> Iterator[Field]:
    """Yield the fields of a pydantic model as options.

    :param required: what the help says of one without a default.
    """
    config = model.model_config
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    for name, info in model.model_fields.items():
        alias = info.validation_alias or info.alias
        first = getattr(alias, "choices", [alias])[0]
        yield _field(first if isinstance(first, str) and not by_name else name, info, required)


def _field(key: str, info: Any, required: str) -> Field:
    kind = _without_none(info.annotation)
    dashed = key.strip("_").replace("_", "-")
    is_list = (get_origin(kind) or kind) in LISTS
    of = _members(kind) if is_list else ()
    notes = [required if info.is_required() else _default(info), _how_often(kind) if is_list else ""]
    text = " ".join([_help(info), *(f"[{note}]" for note in notes if note)]).strip()
    about = {"help": escape(text)}
    if kind is bool:
        names = f"--{dashed}/--no-{dashed}"
        return Field(key, names, option(bool | None, None, names, **about))
    names = f"--{dashed}"
    if is_list:
        metavars = dict.fromkeys(map(metavar, of))
        parameter = option(list[str] | None, None, names, metavar="|".join(metavars), **about)
        return Field(key, names, parameter, is_path=all(map(_is_path, of)))
    parameter = option(str | None, None, names, metavar=metavar(kind), **about)
    return Field(key, names, parameter, is_path=_is_path(kind))


def _members(kind: Any) -> tuple[Any, ...]:
    """Return the types of what a list holds; of a tuple, those of all its places."""
    return tuple(each for each in get_args(kind) if each is not Ellipsis) or (str,)


def _how_often(kind: Any) -> str:
    members = get_args(kind)
    is_fixed = get_origin(kind) is tuple and members and Ellipsis not in members
    return f"{len(members)} times" if is_fixed else "repeatable"


def metavar(kind: Any) -> str:
    """Return what stands for a value of a type in the help of an option."""
    kind = _without_none(kind)
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return "|".join(str(member.value) for member in kind)
    if _is_path(kind):
        return "PATH"
    return METAVARS.get(kind, "VALUE")


def _is_path(kind: Any) -> bool:
    kind = _without_none(kind)
    return isinstance(kind, type) and issubclass(kind, PurePath)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        kinds = [each for each in get_args(annotation) if each is not NoneType]
        return kinds[0] if len(kinds) == 1 else annotation
    return annotation


def _help(info: Any) -> str:
    texts = [each for each in info.metadata if isinstance(each, str)]
    return info.description or " ".join(texts)


def _default(info: Any) -> str:
    default = info.default.value if isinstance(info.default, enum.Enum) else info.default
    if info.default_factory is not None or default is PydanticUndefined or default in (None, [], "", ()):
        return ""
    return f"default: {str(default).lower() if isinstance(default, bool) else default}"
