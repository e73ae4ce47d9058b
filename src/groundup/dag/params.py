"""Parameters of states: what is given, where it was given, and what a state's model makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from groundup.dag.arguments import Kind
from groundup.dag.errors import ParamsError, UnknownStateError
from groundup.dag.graph import StateGraph
from groundup.dag.replacing import REPLACED
from groundup.dag.state import AnyState

Path: TypeAlias = tuple[str | int, ...]
Table: TypeAlias = Mapping[str, Any]

HERE = "params"  # what the caller of a library gives


class ParamSource(Mapping[str, Table]):
    """Parameters by state and key, with where each was given.

    :param values: by state, then key; tables below are merged key by key.
    :param origin: tells where the value under a path (state, key, …) was given, such as ``file:line``.
    :param texts: by path, the values that were given as text, whose types were guessed.
    """

    def __init__(
        self,
        values: Mapping[str, Table],
        origin: Callable[[Path], str] = lambda _path: HERE,
        texts: Mapping[Path, str] | None = None,
    ) -> None:
        self._values = values
        self._origin = origin
        self.texts = dict(texts or {})

    @classmethod
    def of(cls, values: Mapping[str, Table]) -> ParamSource:
        """Return `values` as a source; one that is a source already stays what it is."""
        return values if isinstance(values, cls) else cls(values)

    @classmethod
    def from_settings(cls, settings: Iterable[str]) -> ParamSource:
        """Return the source of settings ``state.key=value``, as a command line has them.

        A value is read as TOML where it is TOML, else it is a text.

        :raises ParamsError: a setting has another form.
        """
        values: dict[str, Any] = {}
        texts: dict[Path, str] = {}
        for setting in settings:
            path, text = _split(setting)
            texts[path] = text
            values = _merged(values, _nested(path, _guessed(text)))
        return cls(values, lambda path: f"--set {'.'.join(map(str, path))}", texts)

    def over(self, below: ParamSource) -> ParamSource:
        """Return both sources in one, where this one is given before `below`."""

        def origin(path: Path) -> str:
            return self.origin(path) if self.has(path) else below.origin(path)

        kept = {path: text for path, text in below.texts.items() if not self.has(path)}
        return ParamSource(_merged(below, self), origin, {**kept, **self.texts})

    def origin(self, path: Path) -> str:
        """Return where the longest part of `path` that is given was given."""
        length = next((n for n in range(len(path), 0, -1) if self.has(path[:n])), len(path))
        return self._origin(path[:length])

    def has(self, path: Path) -> bool:
        """Return whether something is given under `path`."""
        found: Any = self._values
        for key in path:
            if not isinstance(found, Mapping) or key not in found:
                return False
            found = found[key]
        return True

    def __getitem__(self, state: str) -> Table:
        return self._values[state]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


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
                hint="remove them, or give its function a parameter annotated Params[…]",
            )
        if not isinstance(models[0], str):
            _check_keys(graph[name], models[0], source, (name,), source[name])


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
                values = _merged(values, _nested(path[1:length], source.texts[path[:length]]))
    return values


def _wrong(state: AnyState, source: ParamSource, errors: list[Any]) -> ParamsError:
    wrong = [_described(state, source, error) for error in errors]
    missing = next((error["loc"] for error in errors if error["type"] == "missing"), None)
    hint = "correct it"
    if missing is not None:
        key = ".".join(map(str, missing))
        table = f"[tool.groundup.neo.params.{state.name}]"
        hint = f"give it by --set {state.name}.{key}=…, or in the table {table} of the configuration"
    return ParamsError(f"parameters of {state.name} ({state.source}): {'; '.join(wrong)}", hint=hint)


def _described(state: AnyState, source: ParamSource, error: Any) -> str:
    key = ".".join(map(str, error["loc"])) or "all"
    if error["type"] == "missing":
        return f"{key} is missing"
    return f"{key}: {error['msg']} ({source.origin((state.name, *error['loc']))})"


def _split(setting: str) -> tuple[Path, str]:
    """Return path and text of ``state.key=value``; the state may be named ``state.replaced``."""
    dotted, equals, text = setting.partition("=")
    name, *keys = dotted.strip().split(".")
    while keys and keys[0] == REPLACED:
        name = f"{name}.{keys.pop(0)}"
    if not equals or not name or not keys or not all(keys):
        raise ParamsError(f"--set {setting}: not STATE.KEY=VALUE", hint="for example: --set deploy.region=eu")
    return (name, *keys), text


def _guessed(text: str) -> Any:
    import tomllib

    try:
        read = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return read["value"] if len(read) == 1 else text


def _nested(path: Path, value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    nested: dict[str, Any] = value
    return nested


def _merged(below: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
