"""Annotations of states: resolved where that is possible, and compared between parent and child."""

from __future__ import annotations

import builtins
import collections.abc
from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin


class Unknown:
    """A type that is not known: without annotation, or one that only type checkers can resolve."""

    def __repr__(self) -> str:
        return "?"


UNKNOWN = Unknown()
# As in `inspect`, which is only imported where it has to be: that takes as long as to start Python.
CO_VARARGS, CO_VARKEYWORDS, CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR = 0x4, 0x8, 0x20, 0x80, 0x200
_ANYTHING = (UNKNOWN, Any)
_CONTAINERS = frozenset({"builtins", "collections", "collections.abc"})  # modules
_UNIONS = (Union, UnionType)
_GENERATORS = (collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator)


def plain_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function under partials, methods and wrappers."""
    if type(function) is FunctionType and not hasattr(function, "__wrapped__"):  # most are
        return function
    while isinstance(function, partial):
        function = function.func
    from inspect import unwrap

    plain: Callable[..., Any] = unwrap(function)
    return getattr(plain, "__func__", plain)


def flags_of(function: Callable[..., Any]) -> int:
    """Return the ``co_flags`` of what a call enters first, which may wrap a function of another kind."""
    if type(function) is FunctionType:  # most are
        return function.__code__.co_flags
    while isinstance(function, partial):
        function = function.func
    entered = getattr(function, "__func__", function)
    if not hasattr(entered, "__code__"):
        entered = vars(type(entered)).get("__call__")
    return int(getattr(getattr(entered, "__code__", None), "co_flags", 0))


def required_parameters(function: Callable[..., Any]) -> Mapping[str, Any] | None:
    """Return the annotations of the parameters without a default, where each can be given by its name.

    None, where that takes ``inspect.signature`` to tell.
    """
    if type(function) is not FunctionType or vars(function):  # it may be said to have another signature
        return None
    code = function.__code__
    if code.co_posonlyargcount or code.co_flags & (CO_VARARGS | CO_VARKEYWORDS):
        return None
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    with_default = code.co_argcount - len(function.__defaults__ or ())
    optional = {*names[with_default : code.co_argcount], *(function.__kwdefaults__ or ())}
    return {name: function.__annotations__.get(name, UNKNOWN) for name in names if name not in optional}


def annotation_of(function: Callable[..., Any], annotation: Any) -> Any:
    """Return an annotation of `function`, with texts resolved in its module; UNKNOWN where they cannot be."""
    if not isinstance(annotation, str):
        return annotation
    names = getattr(plain_function(function), "__globals__", {})
    if annotation.isidentifier():  # most are; evaluating costs fifty times as much
        return names[annotation] if annotation in names else getattr(builtins, annotation, UNKNOWN)
    try:
        return eval(annotation, names)  # noqa: S307 - the text stands in the state's own source
    except Exception:  # names that only type checkers import, or that are defined later
        return UNKNOWN


def returned_type(function: Callable[..., Any]) -> Any:
    """Return the type of a state's value: of a generator function, what it yields."""
    plain = plain_function(function)
    annotation = annotation_of(function, getattr(plain, "__annotations__", {}).get("return", UNKNOWN))
    if flags_of(function) & CO_GENERATOR and get_origin(annotation) in _GENERATORS:
        return get_args(annotation)[0]
    return annotation


def fits(given: Any, wanted: Any) -> bool:
    """Return whether a value of type `given` may be passed where `wanted` is annotated.

    What cannot be judged fits: only a plain contradiction is one. Type arguments are compared one by one, as
    if all of them were covariant.
    """
    if given is wanted:
        return True
    given, wanted = _stripped(given), _stripped(wanted)
    if given is wanted or given in _ANYTHING or wanted in _ANYTHING or wanted is object:
        return True
    if get_origin(given) in _UNIONS:
        return all(fits(member, wanted) for member in get_args(given))
    if get_origin(wanted) in _UNIONS:
        return any(fits(given, member) for member in get_args(wanted))
    if get_origin(given) is Literal:
        return all(fits(type(value), wanted) for value in get_args(given))
    origin, wanted_origin = get_origin(given) or given, get_origin(wanted) or wanted
    if not (isinstance(origin, type) and isinstance(wanted_origin, type)):
        return True
    if not _class_fits(origin, wanted_origin):
        return False
    return not _is_comparable(origin, wanted_origin) or _arguments_fit(get_args(given), get_args(wanted))


def _stripped(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = annotation.__origin__
    while hasattr(annotation, "__supertype__"):  # a NewType
        annotation = annotation.__supertype__
    return NoneType if annotation is None else annotation


def _class_fits(given: type, wanted: type) -> bool:
    if getattr(wanted, "_is_protocol", False):  # not by its name: what it wants is seen by type checkers
        return True
    if wanted in (float, complex) and given in (int, float):  # the numeric tower of PEP 484
        return True
    try:
        return issubclass(given, wanted)
    except TypeError:
        return True


def _is_comparable(given: type, wanted: type) -> bool:
    """Return whether the type arguments of two classes mean the same: a class may pass others to its base."""
    return given is wanted or {given.__module__, wanted.__module__} <= _CONTAINERS


def _arguments_fit(given: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    comparable = len(given) == len(wanted) and Ellipsis not in (*given, *wanted)
    return not comparable or all(fits(one, other) for one, other in zip(given, wanted, strict=True))
