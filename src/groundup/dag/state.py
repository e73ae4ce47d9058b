"""A state: a named, idempotent condition to reach. Its parents are the parameters of its function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar, overload

from groundup.dag.errors import InvalidStateError

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class State(Generic[P, T]):
    """A declared state, made by :func:`state`. Calling it calls its function.

    :ivar name: unique in a graph; the name of the parameter through which children get the value.
    :ivar function: evaluates the state. A coroutine function is run to its end; a generator function
        yields the value once, and what follows the ``yield`` runs when the runner is closed.
    :ivar parameters: parents whose values the function gets, in order.
    :ivar needs: further parents, whose values are not wanted.
    :ivar description: the function's docstring.
    :ivar file: where the function stands.
    :ivar line: line in `file`, counted from 1; 0 when it has none.
    """

    name: str
    function: Callable[P, T]
    parameters: tuple[str, ...]
    needs: tuple[str, ...] = ()
    description: str = ""
    file: str = ""
    line: int = 0
    parents: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parents", tuple(dict.fromkeys((*self.parameters, *self.needs))))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.function(*args, **kwargs)

    @property
    def source(self) -> str:
        """File and line, as ``file:line``."""
        return f"{self.file}:{self.line}"

    @property
    def summary(self) -> str:
        """First line of the description."""
        return self.description.partition("\n")[0]


AnyState: TypeAlias = State[..., Any]


@overload
def state(
    function: Callable[P, T], /, *, name: str | None = None, needs: Iterable[str | AnyState] = ()
) -> State[P, T]: ...


@overload
def state(
    *, name: str | None = None, needs: Iterable[str | AnyState] = ()
) -> Callable[[Callable[P, T]], State[P, T]]: ...


def state(
    function: Callable[P, T] | None = None,
    /,
    *,
    name: str | None = None,
    needs: Iterable[str | AnyState] = (),
) -> State[P, T] | Callable[[Callable[P, T]], State[P, T]]:
    """Declare a state: ``@state``, ``@state(name=…, needs=[…])`` or ``state(function, …)``.

    Each parameter without a default names a parent, whose value the function gets.

    :param name: default: the function's name.
    :param needs: parents whose values are not wanted: names or states.
    :raises InvalidStateError: not a function, no usable name, or parameters that cannot be filled by name.
    """
    names = tuple(need if isinstance(need, str) else need.name for need in needs)

    def declare(function: Callable[P, T]) -> State[P, T]:
        return _declare(function, name, names)

    return declare if function is None else declare(function)


def _declare(function: Callable[P, T], name: str | None, needs: tuple[str, ...]) -> State[P, T]:
    file, line = _location(function)
    where = f"{file}:{line}" if file else repr(function)
    if not callable(function) or isinstance(function, State | type):
        raise InvalidStateError(f"{function!r} cannot be a state", hint="decorate a function with @state")
    if inspect.isasyncgenfunction(function):
        raise InvalidStateError(
            f"{where} is an asynchronous generator", hint="use a generator or a coroutine function"
        )
    return State(
        name=_checked_name(name or str(getattr(function, "__name__", "")), where),
        function=function,
        parameters=_parameters(function, where),
        needs=needs,
        description=_description(function),
        file=file,
        line=line,
    )


def _checked_name(name: str, where: str) -> str:
    if name.isidentifier():
        return name
    what = f"has the name {name!r}, which no parameter can have" if name else "has no name"
    raise InvalidStateError(f"the state at {where} {what}", hint='name it: @state(name="…")')


def _parameters(function: Callable[..., Any], where: str) -> tuple[str, ...]:
    parameters = inspect.signature(function).parameters.values()
    wanted = [parameter for parameter in parameters if parameter.default is parameter.empty]
    for parameter in wanted:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidStateError(
                f"the parameter {parameter} of the state at {where} cannot be filled by name",
                hint="name each parent as a parameter of its own",
            )
    return tuple(parameter.name for parameter in wanted)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function under partials and wrappers."""
    while isinstance(function, partial):
        function = function.func
    plain: Callable[..., Any] = inspect.unwrap(function)
    return plain


def _description(function: Callable[..., Any]) -> str:
    return inspect.cleandoc(_plain(function).__doc__ or "")


def _location(function: Callable[..., Any]) -> tuple[str, int]:
    code = getattr(_plain(function), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code else ("", 0)
