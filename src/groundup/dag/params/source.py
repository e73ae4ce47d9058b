"""What is given to states as parameters, and where each value was given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from groundup.dag.errors import ParamsError
from groundup.dag.replacing import REPLACED

Path: TypeAlias = tuple[str | int, ...]
Table: TypeAlias = Mapping[str, Any]

HERE = "params"  # what the caller of a library gives


class ParamSource(Mapping[str, Table]):
    """Parameters by state and key, with where each was given.

    :param values: by state, then key; tables below are merged key by key.
    :param origin: tells where the value under a path (state, key, …) was given, such as ``file:line``.
    :param texts: by path, the values that were given as text, whose types were guessed.
    :param options: by path, the option of a command that gives the value.
    """

    def __init__(
        self,
        values: Mapping[str, Table],
        origin: Callable[[Path], str] = lambda _path: HERE,
        texts: Mapping[Path, str] | None = None,
        options: Mapping[Path, str] | None = None,
    ) -> None:
        self._values = values
        self._origin = origin
        self.texts = dict(texts or {})
        self.options = dict(options or {})

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
            values = merged(values, nested(path, _guessed(text)))
        return cls(values, lambda path: f"--set {'.'.join(map(str, path))}", texts)

    def over(self, below: ParamSource) -> ParamSource:
        """Return both sources in one, where this one is given before `below`."""

        def origin(path: Path) -> str:
            return self.origin(path) if self.has(path) else below.origin(path)

        kept = {path: text for path, text in below.texts.items() if not self.has(path)}
        options = {**below.options, **self.options}
        return ParamSource(merged(below, self), origin, {**kept, **self.texts}, options)

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


def nested(path: Path, value: Any) -> dict[str, Any]:
    """Return the tables in which `value` stands under `path`."""
    for key in reversed(path):
        value = {key: value}
    tables: dict[str, Any] = value
    return tables


def merged(below: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return both tables in one; where both have a key, that of `over` counts, and tables are merged."""
    both = dict(below)
    for key, value in over.items():
        are_tables = isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = merged(both[key], value) if are_tables else value
    return both
