"""The imports of a script, read and never run."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from groundup.errors import UserError
from groundup.projects.inference.conditions import dotted_name, known_value
from groundup.projects.inference.standard import Version
from groundup.projects.script import Script

CATCHING = {"ImportError", "ModuleNotFoundError"}
CATCHING_ALL = {"Exception", "BaseException"}
ENDING = {"sys.exit", "exit", "quit", "os._exit", "os.abort"}


@dataclass(frozen=True)
class Import:
    """One import: ``import module``, ``from module import members``, or ``import_module("module")``."""

    module: str
    line: int
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Need:
    """What a script imports at one place.

    :ivar alternatives: it is satisfied when all imports of one of these can be had; the first is preferred.
    :ivar optional: the script goes on without.
    """

    alternatives: tuple[tuple[Import, ...], ...]
    optional: bool = False

    @property
    def line(self) -> int:
        """The line of the first import."""
        return self.alternatives[0][0].line


def read_imports(script: Script, version: Version) -> list[Need]:
    """Return what a script imports, in all functions, classes and branches, in order of lines.

    Left out are branches that Python `version` never runs on this platform, and relative imports.

    :raises UserError: it is not valid Python; says file and line.
    """
    return sorted(_Reader(version).read(parse(script, version).body), key=lambda need: need.line)


def parse(script: Script, version: Version) -> ast.Module:
    """Return the syntax tree of a script for Python `version`, by the grammar of this Python.

    :raises UserError: it is not valid Python; says file and line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(script.content, script.name)
    except SyntaxError as error:
        what, line = error.msg, error.lineno or 1
    except (ValueError, RecursionError, MemoryError) as error:
        what, line = str(error) or "it is nested too deeply", 1
    script.text()  # its message tells of an encoding how to correct it
    own = (sys.version_info[0], sys.version_info[1])
    newer = f"it is read as Python {own[0]}.{own[1]}: list in its block what newer Python code requires"
    hint = newer if version > own else "correct the script"
    raise UserError(f"{script.name}:{line}: {what}", hint=hint) from None


@dataclass
class _Attempt:
    """A ``try`` whose handler waits for a failing import."""

    gives_up: bool
    body: list[Need | _Attempt] = field(default_factory=list)
    fallback: list[Need | _Attempt] = field(default_factory=list)

    def needs(self) -> list[Need]:
        body, fallback = _settled(self.body), _settled(self.fallback)
        if self.gives_up or not body:
            return body
        alternatives = _alternatives(body)
        if fallback:
            alternatives += _alternatives(fallback)
        return [Need(alternatives, optional=not fallback or all(need.optional for need in fallback))]


Found = list[Need | _Attempt]


def _settled(found: Found) -> list[Need]:
    return [need for one in found for need in (one.needs() if isinstance(one, _Attempt) else [one])]


def _alternatives(needs: Sequence[Need]) -> tuple[tuple[Import, ...], ...]:
    if len(needs) == 1:
        return needs[0].alternatives
    return (tuple(one for need in needs for one in need.alternatives[0]),)


class _Reader:
    """Goes through statements with a list of its own: nesting is limited by Python's grammar alone."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.waiting: list[tuple[Sequence[ast.stmt], Found]] = []

    def read(self, body: Sequence[ast.stmt]) -> list[Need]:
        found: Found = []
        self.waiting.append((body, found))
        while self.waiting:
            statements, into = self.waiting.pop()
            for statement in statements:
                self._statement(statement, into)
        return _settled(found)

    def _statement(self, node: ast.stmt, into: Found) -> None:
        if isinstance(node, ast.Import):
            into += [_need(Import(alias.name, node.lineno)) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.module and not node.level:
                members = tuple(alias.name for alias in node.names)
                into.append(_need(Import(node.module, node.lineno, members)))
        elif isinstance(node, ast.Try | ast.TryStar):
            self._try(node, into)
        elif isinstance(node, ast.If):
            self._if(node, into)
        elif isinstance(node, ast.With | ast.AsyncWith) and _suppresses(node):
            attempt = _Attempt(gives_up=False)
            into.append(attempt)
            self.waiting.append((node.body, attempt.body))
        else:
            self._any(node, into)

    def _if(self, node: ast.If, into: Found) -> None:
        into += _calls([node.test])
        value = known_value(node.test, self.version)
        if value is not False:
            self.waiting.append((node.body, into))
        if value is not True:
            self.waiting.append((node.orelse, into))

    def _try(self, node: ast.Try | ast.TryStar, into: Found) -> None:
        catching = next((handler for handler in node.handlers if _catches(handler, node.body)), None)
        self.waiting += [(node.orelse, into), (node.finalbody, into)]
        self.waiting += [(handler.body, into) for handler in node.handlers if handler is not catching]
        if catching is None:
            self.waiting.append((node.body, into))
            return
        attempt = _Attempt(_gives_up(catching.body))
        into.append(attempt)
        self.waiting += [(node.body, attempt.body), (catching.body, attempt.fallback)]

    def _any(self, node: ast.AST, into: Found) -> None:
        for _, value in ast.iter_fields(node):
            parts = value if isinstance(value, list) else [value]
            statements = [part for part in parts if isinstance(part, ast.stmt)]
            if statements:
                self.waiting.append((statements, into))
            for part in parts:
                if isinstance(part, ast.match_case):
                    self._any(part, into)
                elif isinstance(part, ast.AST) and not isinstance(part, ast.stmt):
                    into += _calls([part])


def _need(one: Import) -> Need:
    return Need(((one,),))


def _calls(nodes: Iterable[ast.AST]) -> Iterator[Need]:
    """Yield the imports by ``importlib.import_module("…")`` and ``__import__("…")`` in expressions."""
    for node in (inner for outer in nodes for inner in ast.walk(outer)):
        if isinstance(node, ast.Call) and _imports(dotted_name(node.func)):
            named = (keyword.value for keyword in node.keywords if keyword.arg == "name")
            name = next(iter(node.args), None) or next(named, None)
            if isinstance(name, ast.Constant) and isinstance(name.value, str) and _is_module(name.value):
                yield _need(Import(name.value, node.lineno))


def _imports(function: str) -> bool:
    return function in ("__import__", "builtins.__import__") or function.rpartition(".")[2] == "import_module"


def _is_module(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _names(node: ast.expr | None) -> set[str]:
    nodes = node.elts if isinstance(node, ast.Tuple) else [node] if node else []
    return {dotted_name(one).rpartition(".")[2] for one in nodes}


def _catches(handler: ast.ExceptHandler, body: Sequence[ast.stmt]) -> bool:
    """Return whether a handler is for failing imports; one for every error is when nothing else can fail."""
    names = _names(handler.type)
    if names & CATCHING:
        return True
    only_imports = all(isinstance(one, ast.Import | ast.ImportFrom) for one in body)
    return only_imports and (handler.type is None or bool(names & CATCHING_ALL))


def _gives_up(body: Sequence[ast.stmt]) -> bool:
    """Return whether a handler ends the script, or only says something and prepares nothing."""
    return any(_ends(one) for one in body) or all(_only_says(one) for one in body)


def _ends(node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise):
        return True
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and dotted_name(call.func) in ENDING


def _only_says(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not list(_calls([node]))


def _suppresses(node: ast.With | ast.AsyncWith) -> bool:
    """Return whether the block is ``with contextlib.suppress(ImportError)``."""
    calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
    return any(
        dotted_name(call.func) in ("suppress", "contextlib.suppress")
        and any(_names(argument) & CATCHING for argument in call.args)
        for call in calls
    )
