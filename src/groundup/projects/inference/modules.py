"""Which distributions may provide a module: the data file ``modules.toml``, and what users add to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

from groundup.projects.inference.imports import Import

DATA = Path(__file__).with_name("modules.toml")
DEEPEST = 2  # dots in the name of a module that a distribution may be named like
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_VERSIONED = re.compile(r"_v\d+\w*$")


@dataclass(frozen=True)
class ModuleTable:
    """Rows from module to candidates.

    :ivar namespaces: packages that several distributions share.
    :ivar dynamic: packages with modules that are not among their files.
    :ivar elsewhere: modules that come with something else than a distribution, and with what.
    :ivar private: names that programs give to modules of their own.
    """

    rows: Mapping[str, tuple[str, ...]]
    namespaces: frozenset[str] = frozenset()
    dynamic: frozenset[str] = frozenset()
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    private: frozenset[str] = frozenset()

    def extended(self, rows: Mapping[str, str]) -> ModuleTable:
        """Return a table in which `rows` come before its own."""
        return replace(self, rows={**self.rows, **{name: (one,) for name, one in rows.items()}})

    def wanted(self, one: Import) -> list[str]:
        """Return the modules that an import is about, as deep as a distribution is told by them.

        ``from google.cloud import storage`` is about ``google.cloud.storage``, ``import yaml.nodes`` about
        ``yaml``.
        """
        if one.module in self.namespaces:
            return [self._cut(f"{one.module}.{name}") for name in one.members if name != "*"] or [one.module]
        deeper = [f"{one.module}.{name}" for name in one.members if f"{one.module}.{name}" in self.rows]
        return deeper if len(deeper) == len(one.members) and deeper else [*deeper, self._cut(one.module)]

    def candidates(self, module: str) -> tuple[str, ...]:
        """Return the distributions that may provide a module: by its row, else by its own name."""
        for name in _prefixes(module):
            if name in self.rows:
                return self.rows[name]
        unversioned = _VERSIONED.sub("", module)
        names = [unversioned, module] if module in self.namespaces or "." in module else [module]
        return tuple(dict.fromkeys(found for name in names for found in named_like(name)))

    def is_listed(self, candidate: str) -> bool:
        """Return whether a distribution is in a row: somebody knows it, it was not guessed by its name."""
        return candidate in self._listed

    @cached_property
    def _listed(self) -> frozenset[str]:
        return frozenset(name for names in self.rows.values() for name in names)

    def refusal(self, module: str) -> str:
        """Return why no distribution is looked for; empty where there is no reason not to."""
        if module in self.rows:
            return ""
        top = module.partition(".")[0]
        if top in self.private:
            return "programs name modules of their own so, and none is beside the script"
        source = self.elsewhere.get(module) or self.elsewhere.get(top)
        return f"it comes with {source}; what is on an index by that name is something else" if source else ""

    def deeper(self, one: Import) -> list[tuple[str, str]]:
        """Return ``(module, candidate)`` below the top: the package may be shared without our knowing.

        ``import acme.billing``: the distribution ``acme-billing``.
        """
        names = [one.module, *(f"{one.module}.{name}" for name in one.members if name != "*")]
        below = [prefix for name in names for prefix in reversed(_prefixes(name))]
        found = [name for name in below if 1 <= name.count(".") <= DEEPEST]
        return [(name, like) for name in dict.fromkeys(found) for like in named_like(name)]

    def _cut(self, name: str) -> str:
        for prefix in _prefixes(name):
            if prefix in self.rows and prefix not in self.namespaces:
                return prefix
        parts = name.split(".")
        depth = 1
        while depth < len(parts) and ".".join(parts[:depth]) in self.namespaces:
            depth += 1
        return ".".join(parts[:depth])


@cache
def shipped_table() -> ModuleTable:
    """Return the table that comes with groundup."""
    import tomllib

    document = tomllib.loads(DATA.read_text(encoding="utf-8"))
    rows = {name: _texts(value) for name, value in document["modules"].items()}
    sets = {name: frozenset(document[name]) for name in ("namespaces", "dynamic", "private")}
    return ModuleTable(rows, elsewhere=document["elsewhere"], **sets)


def named_like(module: str) -> list[str]:
    """Return the distribution that is named like a module; none where no distribution can be named so."""
    name = distribution_name(module)
    return [name] if _NAME.fullmatch(name) else []


def distribution_name(module: str) -> str:
    """Return the distribution that is named like a module, as indexes write names."""
    return re.sub(r"[-_.]+", "-", module).strip("-").lower()


def _prefixes(module: str) -> list[str]:
    """Return the module and the packages around it, the longest first."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _texts(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
