"""What the models of states make of the parameters that are given, and what is wrong with these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from groundup.dag.arguments import Kind
from groundup.dag.errors import ParamsError, UnknownStateError
from groundup.dag.graph import StateGraph
from groundup.dag.params.source import ParamSource, Path, Table, merged, nested
from groundup.dag.replacing import REPLACED
from groundup.dag.state import AnyState


def check_params(graph: StateGraph, source: ParamSource) -> None:
    """Refuse what no state takes.

    The keys of a state whose model is only named, to be imported on need, are checked when it is needed.

    :raises ParamsError: there is no such state, it takes no parameters, or none of that name.
    """
    for name in source:
        if name not in graph:
            unknown = UnknownStateError(name, [state.name for state in graph])
            raise ParamsError(f"{source.origin((name,))}: {unknown}", hint=unknown.hint)
        models = [each.wanted for each in graph[name].arguments if each.kind is Kind.PARAMS]
        if not models:
            raise ParamsError(
                f"{source.origin((name,))}: {name} ({graph[name].source}) takes no parameters",
                hint=_hint_for_other(graph, name),
            )
        if not isinstance(models[0], str):
            _check_keys(graph[name], models[0], source, (name,), source[name])


def _hint_for_other(graph: StateGraph, name: str) -> str:
    """Return the hint for a state that takes no parameters: perhaps one in whose place it stands does."""
    below = f"{name}.{REPLACED}"
    while below in graph:
        if any(each.kind is Kind.PARAMS for each in graph[below].arguments):
            return f"give them to {below}, in whose place it stands"
        below = f"{below}.{REPLACED}"
    return "remove them, or give its function a parameter annotated Params[…]"


def resolve_params(state: AnyState, source: ParamSource) -> Any:
    """Return the instance of a state's model that is filled from `source`.

    :param state: one that takes parameters.
    :raises ParamsError: a value is missing, wrong or unknown; says which, where it was given, and what to do.
    """
    from pydantic import ValidationError

    if state.params is None:
        raise ParamsError(f"{state.name} ({state.source}) takes no parameters")
    model, values = state.params.wanted, source.get(state.name, {})
    _check_keys(state, model, source, (state.name,), values)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        failed = error
    try:
        return model.model_validate(_with_texts(state.name, values, source, failed.errors(include_url=False)))
    except ValidationError as error:
        raise _wrong(state, source, error.errors(include_url=False)) from None


def takes(model: Any) -> Iterator[str]:
    """Yield the keys that a model takes at its top; nothing where it does not say."""
    config = getattr(model, "model_config", {})
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    for name, field in getattr(model, "model_fields", {}).items():
        alias = field.validation_alias or field.alias
        if alias is None or by_name:
            yield name
        for choice in getattr(alias, "choices", [alias] if alias is not None else []):
            yield choice if isinstance(choice, str) else str(choice.path[0])


def _check_keys(state: AnyState, model: Any, source: ParamSource, path: Path, values: Table) -> None:
    known = list(takes(model))
    if getattr(model, "model_config", {}).get("extra") == "allow" or not hasattr(model, "model_fields"):
        return
    for key, value in values.items():
        if key not in known:
            dotted = ".".join(map(str, (*path[1:], key)))
            raise ParamsError(
                f"{source.origin((*path, key))}: {state.name} ({state.source}) has no parameter {dotted}",
                hint=_nearest(key, known),
            )
        below = getattr(model.model_fields.get(key), "annotation", None)
        if isinstance(value, Mapping) and hasattr(below, "model_fields"):
            _check_keys(state, below, source, (*path, key), value)


def _nearest(key: str, known: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}"


def _with_texts(name: str, values: Table, source: ParamSource, errors: Iterable[Any]) -> Table:
    """Return `values` with those that are wrong as the text in which they were given: 3.10 is no number."""
    for error in errors:
        path = (name, *error["loc"])
        for length in range(2, len(path) + 1):
            if path[:length] in source.texts:
                values = merged(values, nested(path[1:length], source.texts[path[:length]]))
    return values


def _wrong(state: AnyState, source: ParamSource, errors: list[Any]) -> ParamsError:
    wrong = [_described(state, source, error) for error in errors]
    missing = next((error["loc"] for error in errors if error["type"] == "missing"), None)
    hint = "correct it"
    if missing is not None:
        hint = _how_to_give(state, source, missing)
    return ParamsError(f"parameters of {state.name} ({state.source}): {'; '.join(wrong)}", hint=hint)


def _how_to_give(state: AnyState, source: ParamSource, missing: Path) -> str:
    table = f"[tool.groundup.neo.params.{state.name}]"
    option = source.options.get((state.name, *missing))
    by = f"{option} or " if option else ""
    setting = f"--set {state.name}.{'.'.join(map(str, missing))}=…"
    return f"give it by {by}{setting}, or in the table {table} of the configuration"


def _described(state: AnyState, source: ParamSource, error: Any) -> str:
    key = ".".join(map(str, error["loc"])) or "all"
    if error["type"] == "missing":
        return f"{key} is missing"
    return f"{key}: {error['msg']} ({source.origin((state.name, *error['loc']))})"
