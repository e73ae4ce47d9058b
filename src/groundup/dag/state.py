"""A state: a named, idempotent condition to reach. Its parents are the parameters of its function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from keyword import iskeyword
from pathlib import PurePath
from typing import Any, Generic, NamedTuple, ParamSpec, Self, TypeAlias, TypeVar, overload

from groundup.dag.annotations import (
    CO_ASYNC_GENERATOR,
    CO_GENERATOR,
    flags_of,
    plain_function,
    required_parameters,
    returned_type,
)
from groundup.dag.arguments import Argument, Kind, arguments_of
from groundup.dag.errors import InvalidStateError
from groundup.dag.fields import Fields

P = ParamSpec("P")
T = TypeVar("T")
Check = TypeVar("Check", bound=Callable[..., bool | Awaitable[bool]])
LONGEST = 10**9  # seconds; what the clocks of all systems take


class Retries(NamedTuple):
    """How often a state that failed is tried again, and when.

    The wait before retry number n is ``min(delay * factor ** (n - 1), longest)`` seconds, of which a random
    part is left out (full jitter).

    :ivar times: retries after the first attempt.
    """

    times: int = 0
    delay: float = 1.0
    factor: float = 2.0
    longest: float = 60.0


NO_RETRIES = Retries()


class State(Fields, Generic[P, T]):
    """A declared state, made by :func:`state`. Calling it calls its function.

    :ivar name: unique in a graph; the name of the parameter through which children get the value.
    :ivar function: evaluates the state. A coroutine function is run to its end; a generator function
        yields the value once, and what follows the ``yield`` runs when the runner is closed.
    :ivar arguments: what the parameters of the function are filled with, in order.
    :ivar needs: further parents, whose values are not wanted.
    :ivar inputs: paths and glob patterns, relative to the runner's root, of files that it reads.
    :ivar outputs: paths and glob patterns of files that it makes.
    :ivar replaces: name of the state in whose place it stands; empty when it replaces none.
    :ivar timeout: seconds that one attempt may take; None for no limit.
    :ivar check: tells whether the condition holds already; set by :meth:`satisfied`.
    :ivar file: where the function stands.
    :ivar line: line in `file`, counted from 1; 0 when it has none.
    :ivar replaced: in a graph, the state in whose place this one stands.
    :ivar parents: names of all states that it may need.
    :ivar eager_parents: those that are settled before it: all but the lazy ones.
    """

    __match_args__ = (
        "name",
        "function",
        "arguments",
        "needs",
        "inputs",
        "outputs",
        "replaces",
        "retries",
        "timeout",
        "file",
        "line",
        "check",
        "replaced",
    )
    __slots__ = (*__match_args__, "eager_parents", "parents")

    def __init__(
        self,
        name: str,
        function: Callable[P, T],
        arguments: tuple[Argument, ...],
        *,
        needs: tuple[str, ...] = (),
        inputs: tuple[str, ...] = (),
        outputs: tuple[str, ...] = (),
        replaces: str = "",
        retries: Retries = NO_RETRIES,
        timeout: float | None = None,
        file: str = "",
        line: int = 0,
        check: Callable[..., bool | Awaitable[bool]] | None = None,
        replaced: AnyState | None = None,
    ) -> None:
        self.name = name
        self.function = function
        self.arguments = arguments
        self.needs = needs
        self.inputs = inputs
        self.outputs = outputs
        self.replaces = replaces
        self.retries = retries
        self.timeout = timeout
        self.file = file
        self.line = line
        self.check = check
        self.replaced = replaced
        wanted = (argument.parent for argument in self.arguments if argument.parent)
        self.parents = self.eager_parents = tuple(dict.fromkeys((*wanted, *self.needs)))
        if self.lazy_parents:
            lazy = set(self.lazy_parents) - set(self.needs)
            self.eager_parents = tuple(parent for parent in self.parents if parent not in lazy)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.function(*args, **kwargs)

    def with_changes(self, **changes: Any) -> Self:
        """Return a copy with other values of what the constructor takes."""
        return type(self)(**{name: getattr(self, name) for name in self.__match_args__} | changes)

    def satisfied(self, check: Check) -> Check:
        """Declare, as a decorator, a function that tells whether the condition holds: then nothing runs.

        Its parameters are some of the state's own. It may be a coroutine function.

        :raises InvalidStateError: it wants something that the state does not, is a generator function, or is
            the second one.
        """
        own = [argument.name for argument in self.arguments]
        file, line = _location(check)
        if self.check is not None:
            raise InvalidStateError(
                f"{self.name} ({self.source}) has two functions that tell whether it is satisfied",
                hint=f"remove one; the second is at {file}:{line}",
            )
        if flags_of(check) & (CO_GENERATOR | CO_ASYNC_GENERATOR):
            raise InvalidStateError(
                f"the check of {self.name} at {file}:{line} is a generator", hint="return True or False"
            )
        for name in _required(check):
            if name not in own:
                raise InvalidStateError(
                    f"the check of {self.name} at {file}:{line} wants {name}, which {self.name} does not",
                    hint=f"its parameters may be {', '.join(own) or 'none'}",
                )
        self.check = check
        return check

    @property
    def source(self) -> str:
        """File and line, as ``file:line``."""
        return f"{self.file}:{self.line}"

    @property
    def description(self) -> str:
        """The function's docstring, without its indentation."""
        text = plain_function(self.function).__doc__ or ""
        if "\n" not in text:
            return text.strip()
        from inspect import cleandoc

        return cleandoc(text)

    @property
    def summary(self) -> str:
        """First line of the description."""
        return self.description.partition("\n")[0]

    @property
    def returns(self) -> Any:
        """Type of the value; ``UNKNOWN`` where it is not annotated or cannot be resolved."""
        return returned_type(self.function)

    @property
    def lazy_parents(self) -> tuple[str, ...]:
        """Names of the parents that are evaluated only when they are asked."""
        return tuple(argument.parent for argument in self.arguments if argument.kind is Kind.LAZY)

    @property
    def params(self) -> Argument | None:
        """The argument that is filled with parameters, its model imported, where there is one.

        :raises InvalidStateError: the model is named by a text, and is not there.
        """
        for argument in self.arguments:
            if argument.kind is Kind.PARAMS:
                return argument.imported(self.source)
        return None

    @property
    def is_tracked(self) -> bool:
        """Whether it can be up to date: it declares inputs, outputs, or when it is satisfied."""
        return bool(self.inputs or self.outputs or self.check)


AnyState: TypeAlias = State[..., Any]
Paths: TypeAlias = Iterable[str | PurePath]


@overload
def state(
    function: Callable[P, T],
    /,
    *,
    name: str | None = None,
    needs: Iterable[str | AnyState] = (),
    inputs: Paths = (),
    outputs: Paths = (),
    replaces: str | AnyState = "",
    retries: int | Retries = 0,
    timeout: float | None = None,
    params: type | str | None = None,
) -> State[P, T]: ...


@overload
def state(
    *,
    name: str | None = None,
    needs: Iterable[str | AnyState] = (),
    inputs: Paths = (),
    outputs: Paths = (),
    replaces: str | AnyState = "",
    retries: int | Retries = 0,
    timeout: float | None = None,
    params: type | str | None = None,
) -> Callable[[Callable[P, T]], State[P, T]]: ...


def state(
    function: Callable[P, T] | None = None,
    /,
    *,
    name: str | None = None,
    needs: Iterable[str | AnyState] = (),
    inputs: Paths = (),
    outputs: Paths = (),
    replaces: str | AnyState = "",
    retries: int | Retries = 0,
    timeout: float | None = None,
    params: type | str | None = None,
    **unknown: Any,
) -> State[P, T] | Callable[[Callable[P, T]], State[P, T]]:
    """Declare a state: ``@state``, ``@state(name=…, needs=[…])`` or ``state(function, …)``.

    Each parameter without a default names a parent, whose value the function gets. Annotated ``Lazy[T]``, the
    parent is evaluated only when asked; annotated ``Params[M]``, it is filled with the state's parameters.

    :param name: default: the name of the state that it replaces, else the function's name.
    :param needs: parents whose values are not wanted: names or states.
    :param inputs: files that it reads: paths, folders and glob patterns, relative to the runner's root.
    :param outputs: files that it makes. With inputs or outputs it is skipped while it is up to date.
    :param replaces: the state in whose place it stands; that one is its parent ``replaced`` when it wants it.
    :param retries: how often it is tried again after a failure.
    :param timeout: seconds that one attempt may take; its child processes end with it.
    :param params: pydantic model of the parameter ``params``; as a text, ``module:Model``, it is imported
        when the state is needed.
    :raises InvalidStateError: not a function, no usable name, parameters that cannot be filled by name, or
        a keyword that there is not.
    """
    for keyword in unknown:
        raise _unknown_keyword(keyword)
    instead = replaces.name if isinstance(replaces, State) else replaces

    def declare(function: Callable[P, T]) -> State[P, T]:
        file, line = _location(function)
        where = f"{file}:{line}" if file else repr(function)
        _check_function(function, where)
        replaced = _checked_replaces(instead, where)
        return State(
            name=_checked_name(name or replaced or str(getattr(function, "__name__", "")), where),
            function=function,
            arguments=arguments_of(function, where, params),
            needs=_needs(needs, where),
            inputs=_paths(inputs, "inputs", where),
            outputs=_paths(outputs, "outputs", where),
            replaces=replaced,
            retries=_checked_retries(retries, where),
            timeout=_checked_timeout(timeout, where),
            file=file,
            line=line,
        )

    return declare if function is None else declare(function)


def _unknown_keyword(keyword: str) -> InvalidStateError:
    from difflib import get_close_matches
    from inspect import signature

    known = list(signature(state).parameters)[1:-1]
    close = get_close_matches(keyword, known, n=1)
    return InvalidStateError(
        f"state{_caller()} takes no keyword {keyword}",
        hint=f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}",
    )


def _check_function(function: object, where: str) -> None:
    if not callable(function) or isinstance(function, State | type):
        raise InvalidStateError(
            f"{function!r} cannot be a state", hint=f"decorate a function with @state{_caller()}"
        )
    if flags_of(function) & CO_ASYNC_GENERATOR:
        raise InvalidStateError(
            f"{where} is an asynchronous generator", hint="use a generator or a coroutine function"
        )


def _checked_name(name: str, where: str) -> str:
    if isinstance(name, str) and name.isidentifier() and not iskeyword(name):
        return name
    what = f"has the name {name!r}, which no parameter can have" if name else "has no name"
    raise InvalidStateError(f"the state at {where} {what}", hint='name it: @state(name="…")')


def _checked_replaces(name: object, where: str) -> str:
    if isinstance(name, str):
        return name
    raise InvalidStateError(
        f"replaces of the state at {where} is {name!r}", hint="give a state, or the name of one"
    )


def _needs(needs: Iterable[str | AnyState], where: str) -> tuple[str, ...]:
    if isinstance(needs, str | State):
        name = needs if isinstance(needs, str) else needs.name
        raise InvalidStateError(
            f"needs of the state at {where} is one state", hint=f'write a list: needs=["{name}"]'
        )
    names = tuple(need.name if isinstance(need, State) else need for need in needs)
    for name in names:
        if not isinstance(name, str):
            raise InvalidStateError(
                f"needs of the state at {where} has {name!r}", hint="give states, or names of states"
            )
    return names


def _paths(paths: Paths, what: str, where: str) -> tuple[str, ...]:
    if isinstance(paths, str | PurePath):
        raise InvalidStateError(
            f"{what} of the state at {where} is one path", hint=f'write a list: {what}=["{paths}"]'
        )
    return tuple(str(path) for path in paths)


def _checked_retries(retries: int | Retries, where: str) -> Retries:
    checked = Retries(retries) if isinstance(retries, int) else retries
    if not isinstance(checked, Retries):
        raise InvalidStateError(
            f"retries of the state at {where} is {retries!r}", hint="give a number, or Retries(…)"
        )
    if min(checked.times, checked.delay, checked.factor, checked.longest) < 0:
        raise InvalidStateError(f"retries of the state at {where} is negative", hint="give 0 or more")
    return checked


def _checked_timeout(timeout: float | None, where: str) -> float | None:
    if timeout is None or (isinstance(timeout, int | float) and 0 < timeout <= LONGEST):
        return timeout
    raise InvalidStateError(
        f"timeout of the state at {where} is {timeout!r}",
        hint=f"give seconds, more than 0 and at most {LONGEST:,}, or None for no limit",
    )


def _required(function: Callable[..., Any]) -> Iterable[str]:
    """Return the names of the parameters without a default."""
    plain = required_parameters(function)
    if plain is not None:
        return plain
    from inspect import signature

    parameters = signature(function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.default is parameter.empty]


def _location(function: Any) -> tuple[str, int]:
    code = getattr(plain_function(function), "__code__", None) if callable(function) else None
    return (code.co_filename, code.co_firstlineno) if code else ("", 0)


def _caller() -> str:
    """Return where the decorator stands, for what is no function and so has no place of its own."""
    import sys

    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return f" at {frame.f_code.co_filename}:{frame.f_lineno}"
