"""What the parameters of a state's function ask for: a parent's value, a parent on demand, or parameters."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from enum import Enum
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, get_args, get_origin

from groundup.dag.annotations import UNKNOWN, annotation_of, required_parameters
from groundup.dag.errors import InvalidStateError

T = TypeVar("T")


class _Mark:
    """Tells that a parameter is filled with parameters, not with a parent's value."""


_PARAMS = _Mark()

Params = Annotated[T, _PARAMS]
"""``Params[M]``: the state's parameters, an instance of the pydantic model `M`."""


class Lazy(Generic[T]):
    """A parent that is evaluated only when its value is asked for.

    In a function: ``value = parent.get()``. In a coroutine: ``value = await parent``.
    """

    __slots__ = ("_demand",)

    def __init__(self, demand: Callable[[], T]) -> None:
        self._demand = demand

    def get(self) -> T:
        """Evaluate the parent, once, and return its value.

        :raises LazyFailedError: the parent, or something that it needs, failed.
        :raises InvalidStateError: in a coroutine, which would stop the loop that the parent may need.
        """
        if _in_a_loop():
            raise InvalidStateError("get() of a lazy parent in a coroutine", hint="write: await parent")
        return self._demand()

    def __await__(self) -> Generator[Any, None, T]:
        import asyncio

        return asyncio.to_thread(self._demand).__await__()


class Kind(Enum):
    """What an argument is filled with."""

    VALUE = "value"
    LAZY = "lazy"
    PARAMS = "params"


class Argument(NamedTuple):
    """One parameter of a state's function.

    :ivar name: of the parameter.
    :ivar parent: name of the state that fills it; empty for parameters.
    :ivar wanted: type of the value: the annotation, without ``Lazy`` or ``Params`` around it; ``UNKNOWN``
        where there is none or it cannot be resolved. Of parameters, a text ``module:Model`` names a model
        that is imported when it is needed.
    """

    name: str
    kind: Kind
    parent: str
    wanted: Any

    def imported(self, where: str) -> Argument:
        """Return this argument with its model in the place of the text that names it.

        :param where: file and line of the state.
        :raises InvalidStateError: there is no such model.
        """
        return self._replace(wanted=_model(self.wanted, where)) if isinstance(self.wanted, str) else self


def arguments_of(function: Callable[..., Any], where: str, model: type | str | None) -> tuple[Argument, ...]:
    """Return the arguments that a state's function wants: parameters without a default.

    :param model: of the parameter ``params``, where the decorator names it; see :attr:`Argument.wanted`.
    :raises InvalidStateError: a parameter cannot be filled by name.
    """
    wanted = required_parameters(function)
    if wanted is None:
        wanted = _by_signature(function, where)
    found = tuple(_argument(function, name, text, where, model) for name, text in wanted.items())
    _check_params(found, where, model)
    return found


def _by_signature(function: Callable[..., Any], where: str) -> Mapping[str, Any]:
    """Return the annotations of the parameters without a default."""
    from inspect import signature

    wanted = {}
    for parameter in signature(function).parameters.values():
        if parameter.default is not parameter.empty:
            continue
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidStateError(
                f"the parameter {parameter} of the state at {where} cannot be filled by name",
                hint="name each parent as a parameter of its own",
            )
        is_annotated = parameter.annotation is not parameter.empty
        wanted[parameter.name] = parameter.annotation if is_annotated else UNKNOWN
    return wanted


def _argument(
    function: Callable[..., Any], name: str, text: Any, where: str, model: type | str | None
) -> Argument:
    if model is not None and name == "params":
        return Argument(name, Kind.PARAMS, "", model)
    wanted = annotation_of(function, text)
    if get_origin(wanted) is Lazy or wanted is Lazy:
        return Argument(name, Kind.LAZY, name, get_args(wanted)[0] if get_args(wanted) else UNKNOWN)
    if get_origin(wanted) is Annotated and _PARAMS in wanted.__metadata__:
        return Argument(name, Kind.PARAMS, "", wanted.__origin__)
    if wanted is UNKNOWN and isinstance(text, str) and "[" in text:
        head = text.partition("[")[0].rpartition(".")[2]
        if head == "Lazy":
            return Argument(name, Kind.LAZY, name, UNKNOWN)
        if head == "Params":
            raise InvalidStateError(
                f"{text} of the state at {where} cannot be resolved",
                hint="import the model at the top of the module, not only for type checkers",
            )
    return Argument(name, Kind.VALUE, name, wanted)


def _check_params(found: tuple[Argument, ...], where: str, model: type | str | None) -> None:
    from_params = [argument for argument in found if argument.kind is Kind.PARAMS]
    if model is not None and not from_params:
        raise InvalidStateError(
            f"the state at {where} has a model of parameters, but no parameter named params",
            hint="add the parameter params, or take params=… out of @state",
        )
    if len(from_params) > 1:
        raise InvalidStateError(
            f"the state at {where} has two parameters for its parameters",
            hint="put all of them into one model",
        )
    for argument in from_params:
        if isinstance(argument.wanted, str):
            _module_and_name(argument.wanted, where)
        else:
            _check_model(argument.wanted, where)


def _check_model(model: Any, where: str) -> None:
    if not hasattr(model, "model_validate"):
        raise InvalidStateError(
            f"the state at {where} asks for parameters of no pydantic model",
            hint="derive the model from pydantic.BaseModel",
        )


def _model(text: str, where: str) -> Any:
    """Return the model that ``module:Model`` names."""
    import importlib

    module, name = _module_and_name(text, where)
    try:
        model = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InvalidStateError(
            f"the model of parameters {text} of the state at {where} cannot be imported: {error}",
            hint="correct params=… of its @state",
        ) from error
    _check_model(model, where)
    return model


def _module_and_name(text: str, where: str) -> tuple[str, str]:
    module, _, name = text.partition(":")
    if not (name.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise InvalidStateError(
            f"params={text!r} of the state at {where} names no model", hint='write it as "module:Model"'
        )
    return module, name


def _in_a_loop() -> bool:
    import sys

    running_loop = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    return running_loop is not None and running_loop() is not None  # None while another thread imports it
