"""Imports modules that give states; what goes wrong in them is told with their own file and line."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from groundup.dag.errors import describe
from groundup.dag.raising import frames, home_of, is_inside
from groundup.errors import GroundupError, UserError
from groundup.states.bytecode import distrust_young_bytecode
from groundup.states.origin import Kind, Origin

FILE = "groundup_states.py"
FILE_MODULE = "__groundup_states__"  # a name that no module of a client or a library has


class ClientModuleError(UserError):
    """A module that gives states cannot be imported."""


def import_module(origin: Origin, root: Path) -> ModuleType:
    """Import the module of `origin` from the environment, else from `root`.

    :raises ClientModuleError: there is no such module, or it fails; says where and in which file and line.
    """
    if not all(part.isidentifier() for part in origin.module.split(".")):
        raise ClientModuleError(
            f"{_named_by(origin)}: {origin.module!r} is not the name of a module",
            hint="write it with dots, such as tools.states",
        )
    append_path(root)
    try:
        with redirect_stdout(sys.stderr):  # stdout belongs to the command
            return importlib.import_module(origin.module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{origin.module}.".startswith(f"{error.name}."):
            raise _told(error, origin, root) from error
        raise _missing(origin, root) from None
    except (Exception, SystemExit) as error:
        raise _told(error, origin, root) from error


def import_file(origin: Origin, path: Path) -> ModuleType:
    """Import the file `path` under a name of its own; its folder is appended to ``sys.path``, never first.

    :raises ClientModuleError: it fails; says in which file and line.
    """
    append_path(path.parent)
    spec = importlib.util.spec_from_file_location(
        origin.module, path, loader=_FromSource(origin.module, str(path))
    )
    if spec is None or spec.loader is None:
        raise ClientModuleError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[origin.module] = module  # what models with annotations look themselves up in
    try:
        with redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[origin.module]
        raise _told(error, origin, path.parent) from error
    return module


class _FromSource(SourceFileLoader):
    """Compiles the file at each run: byte code does not tell edits of one second and size apart."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the file as it is now."""
        return self.source_to_code(self.get_data(self.get_filename(fullname)), self.path)


def append_path(folder: Path) -> None:
    """Let modules of `folder` be imported, as they are now, where the environment has none of that name."""
    distrust_young_bytecode(folder)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _missing(origin: Origin, root: Path) -> ClientModuleError:
    near = _nearest(origin.module, root)
    return ClientModuleError(
        f"{_named_by(origin)}: there is no module {origin.module}",
        hint=f"did you mean {near}?" if near else f"it is looked for in the environment, then in {root}",
    )


def _named_by(origin: Origin) -> str:
    return str(origin) if origin.kind is Kind.ENTRY_POINT else origin.place()


def _nearest(module: str, root: Path) -> str:
    """Return the module that was probably meant; empty when none is like it."""
    from difflib import get_close_matches

    parts = module.split(".")
    for depth in reversed(range(len(parts))):
        parent = sys.modules.get(".".join(parts[:depth]))
        folders = [str(root)] if not depth else list(getattr(parent, "__path__", []))
        names = [name for folder in folders for name in _modules_in(Path(folder))]
        if parts[depth] in names:
            break
        for close in get_close_matches(parts[depth], names, n=1):
            return ".".join([*parts[:depth], close, *parts[depth + 1 :]])
    return ""


def _modules_in(folder: Path) -> Iterator[str]:
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if entry.suffix == ".py" or (entry.name.isidentifier() and any(entry.glob("*.py"))):
            yield entry.stem


def _told(error: BaseException, origin: Origin, root: Path) -> ClientModuleError:
    file, line = _where(error, root)
    what = describe(error)
    if isinstance(error, SyntaxError):
        what = f"{type(error).__name__}: {error.msg}"
    place = f"{file}:{line}: " if file and file not in what else ""
    loading = "" if origin.kind is Kind.FILE and file == origin.place() else f", while loading {origin}"
    return ClientModuleError(f"{place}{what}{loading}", hint=_hint(error))


def _hint(error: BaseException) -> str:
    if isinstance(error, GroundupError):
        return error.hint
    if isinstance(error, SyntaxError):
        return "correct the file"
    if isinstance(error, SystemExit):
        return "a module of states must not exit when it is imported"
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"correct the import, or add what has {error.name.partition('.')[0]} to the dependencies"
    return ""  # the command line keeps the traceback in a log, and says where


def _where(error: BaseException, root: Path) -> tuple[str, int]:
    """Return the file and line of a client's own source in which `error` arose; ("", 0) when in none."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_file():
        return error.filename, error.lineno or 1
    found = [at for at in frames(error.__traceback__) if not at[0].startswith(_GROUNDUP)]
    if not found:
        return "", 0
    home = home_of(found[0][0], root)
    return next(at for at in reversed(found) if at is found[0] or is_inside(at[0], home))


_GROUNDUP = f"{Path(__file__).parents[1]}{os.sep}"
