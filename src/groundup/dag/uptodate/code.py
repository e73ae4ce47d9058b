"""A digest of what a function does, which comments, docstrings and moved lines leave as it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from opcode import EXTENDED_ARG, hasconst, opmap
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from groundup.dag.state import State
from groundup.dag.uptodate.text import (
    DIGEST_LENGTH,
    SecretDigest,
    StableText,
    digest,
    fields_of,
    type_name,
)

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
_CONST = frozenset(hasconst)
_STORE_NAME = opmap["STORE_NAME"]
_CACHE = opmap["CACHE"]
_FLAGS = 0x3FF  # kinds of functions; the others tell of docstrings and of the module's __future__ imports
# What the body of a class notes about where it stands and what its methods do.
_NOTES = frozenset({"__doc__", "__firstlineno__", "__static_attributes__"})


def code_digest(function: Callable[..., Any], secret: SecretDigest = digest) -> str:
    """Return a digest that changes with what `function` does, led by Python's minor version.

    Covered are bytecode, the constants and names that it uses, the kinds and names of its parameters and
    variables, defaults, and what it closes over; of partials also function and arguments, of methods also
    the object. Values without a stable text count by their type. What it finds by name in its module is not
    covered.
    """
    text = _CodeText(secret)
    body = text.function(function) if isinstance(function, FunctionType) else text.of(function)
    return f"{VERSION}-{body if len(body) == DIGEST_LENGTH else digest(body)}"


def value_text(value: Any, secret: SecretDigest = digest) -> str:
    """Return the text of `value`: functions count by their code, and what has no text by its type."""
    return _CodeText(secret).of(value)


class _CodeText(StableText):
    """Writes functions and what they hold."""

    def special(self, value: Any) -> str | None:
        if isinstance(value, State):
            return f"state {value.name}"
        if isinstance(value, CodeType):
            return _code(value)
        if isinstance(value, partial):
            return f"partial({self.of(value.func)}, {self.of(value.args)}, {self.of(value.keywords)})"
        if isinstance(value, MethodType) and isinstance(value.__func__, FunctionType):
            return f"{self.function(value.__func__)} of {self.of(value.__self__)}"
        if isinstance(value, FunctionType):
            return self.function(value)
        wrapped = getattr(value, "__wrapped__", None)
        if wrapped is not None:
            return f"{self.other(value)} around {self.of(wrapped)}"
        call = vars(type(value)).get("__call__")
        if isinstance(call, FunctionType):
            return f"{type_name(type(value))}({self.pairs(fields_of(value) or {})}) {self.function(call)}"
        return None

    def other(self, value: Any) -> str:
        if isinstance(value, type):
            return f"type {type_name(value)}"
        if isinstance(value, ModuleType):
            return f"module {value.__name__}"
        if callable(value) and hasattr(value, "__qualname__"):
            return f"{getattr(value, '__module__', '')}.{value.__qualname__}"
        return type_name(type(value))

    def function(self, function: FunctionType) -> str:
        """Return the text of a function: its code, and the values that it holds."""
        parts = [_code(function.__code__)]
        if function.__defaults__:
            parts.append(self.of(function.__defaults__))
        if function.__kwdefaults__:
            parts.append(self.of(function.__kwdefaults__))
        if function.__closure__:
            parts += map(self._cell, function.__closure__)
        return "\n".join(parts)

    def _cell(self, cell: Any) -> str:
        try:
            return self.of(cell.cell_contents)
        except ValueError:  # nothing was put into it yet
            return "empty"


@lru_cache(maxsize=4096)
def _code(code: CodeType) -> str:
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & _FLAGS)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return digest(f"{counts}{names}{code.co_exceptiontable!r}{list(_instructions(code))}")


def _instructions(code: CodeType) -> Iterator[str]:
    """Yield the instructions, with constants in the place of their numbers, which docstrings shift."""
    text = _CodeText(digest)  # constants are no secrets
    steps = list(_steps(code.co_code))
    for (step, argument), following in zip(steps, [*steps[1:], (_CACHE, 0)], strict=True):
        if following[0] == _STORE_NAME and code.co_names[following[1]] in _NOTES:
            yield "note"
        elif step in _CONST:
            yield f"{step} {text.of(code.co_consts[argument])}"
        else:
            yield f"{step} {argument}"


def _steps(code: bytes) -> Iterator[tuple[int, int]]:
    higher = 0
    for step, argument in zip(code[::2], code[1::2], strict=True):
        whole = higher | argument
        if step == EXTENDED_ARG:
            higher = whole << 8
        elif step != _CACHE:
            yield step, whole
            higher = 0
