"""Wraps methods of the standard library while runs go on.

A module that is not imported yet is wrapped when it is: importing it here would cost every run its time.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from groundup.dag.output import hooks

if TYPE_CHECKING:
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType


HOOKS = {  # module: class, method, and what makes the method that takes its place
    "subprocess": ("Popen", "__init__", hooks.popen),
    "multiprocessing.process": ("BaseProcess", "start", hooks.process),
    "threading": ("Thread", "start", hooks.thread),
    "concurrent.futures.thread": ("ThreadPoolExecutor", "submit", hooks.submit),
}


@contextmanager
def watching() -> Iterator[None]:
    """Let what is started in the context of a state belong to it, in a ``with`` block around a run.

    Blocks may overlap, in several threads. What was wrapped is put back when the last one is left.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _watchers  # noqa: PLW0603 - one process, one set of classes
    for name in HOOKS.keys() & sys.modules.keys():
        __import__(name)  # waits for another thread that is importing it
    with _lock:
        _watchers += 1
        if _watchers == 1:
            sys.meta_path.insert(0, _finder)
        for name in HOOKS.keys() & sys.modules.keys():
            _wrap(name)


def _leave() -> None:
    global _watchers  # noqa: PLW0603
    with _lock:
        _watchers -= 1
        if not _watchers:
            sys.meta_path.remove(_finder)
            while _wrapped:
                _unwrap(*_wrapped.popitem()[1])


def _wrap(name: str) -> None:
    """Replace the method of a module, unless that was done; the lock is held."""
    owner_name, method, replacement_of = HOOKS[name]
    owner = getattr(sys.modules[name], owner_name, None)
    if name not in _wrapped and isinstance(owner, type):
        original = getattr(owner, method)
        replacement = replacement_of(original)
        setattr(owner, method, replacement)
        _wrapped[name] = (owner, method, original, replacement)


def _unwrap(owner: type, method: str, original: hooks.Method, replacement: hooks.Method) -> None:
    if getattr(owner, method) is replacement:  # else somebody wrapped it again, and ours does nothing now
        setattr(owner, method, original)


class _Finder:
    """Finds the modules of :data:`HOOKS` as the others do, and has them wrapped."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in HOOKS:
            return None
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, specs), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
        return spec


class _Loader:
    """Loads a module as its own loader does, then wraps it."""

    def __init__(self, loader: Any) -> None:
        self._loader: Loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        with _lock:
            if _watchers:
                _wrap(module.__name__)


_finder = _Finder()
_lock = threading.RLock()
_watchers = 0
_wrapped: dict[str, tuple[type, str, hooks.Method, hooks.Method]] = {}
