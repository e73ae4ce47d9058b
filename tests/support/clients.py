"""Repositories with states of their own, read in this process: no environment is built for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from groundup import proto_kernel
from groundup.config import Config
from tests.support.repositories import bare_repository, write


def client(folder: Path, files: Mapping[str, str] | None = None, neo: str = "") -> Config:
    """Make a repository in `folder` and return its configuration, as the kernel reads it.

    :param files: what is in it, by path.
    :param neo: lines of its `groundup.toml` after the first, such as ``[neo]`` and what follows.
    """
    bare_repository(folder, f"projects = []\n{neo}")
    for name, text in (files or {}).items():
        write(folder, name, text)
    return read(folder)


def read(folder: Path, *options: str) -> Config:
    """Return the configuration of the repository `folder` as the kernel reads it."""
    given = proto_kernel.parse_input(list(options), {})
    return Config.from_values(proto_kernel.Configuration(str(folder / "proto_kernel.py"), given).as_dict())


@contextmanager
def imports_undone(folder: Path) -> Iterator[None]:
    """Forget, at the end of the block, modules of `folder`, and what came to `sys.path` and its hooks."""
    path, hooks = sys.path[:], sys.path_hooks[:]
    try:
        yield
    finally:
        sys.path[:], sys.path_hooks[:] = path, hooks
        for name, module in list(sys.modules.items()):
            places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
            if any(place and Path(place).is_relative_to(folder) for place in places):
                del sys.modules[name]
