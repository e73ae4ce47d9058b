"""Environments of scripts: made once, found again by requirements and Python, never changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from groundup.projects.environment import Environment, build_environment
from groundup.projects.home import cache_folder
from groundup.projects.requirements import EnvironmentSpec
from groundup.projects.store import Store


def environment_store() -> Store:
    """Return the store of environments, in the user's cache."""
    return Store(cache_folder() / "environments")


@contextmanager
def cached_environment(spec: EnvironmentSpec, what: str) -> Iterator[Environment]:
    """Give the environment for `spec`; it is built when there is none, or when its Python is gone.

    In the block it is not removed as unused. `what` names in messages whose requirements they are. Raises
    UserError for a malformed requirement and ProvisioningError with uv's words.
    """
    store, key = environment_store(), spec.key()
    if _working(store, key) is None:
        _build(store, key, spec, what)
    with store.using(key):
        if _working(store, key) is None:  # it was removed in between
            _build(store, key, spec, what)
        yield Environment(store.root / key)


def _build(store: Store, key: str, spec: EnvironmentSpec, what: str) -> None:
    with store.locked(key):
        if _working(store, key) is None:
            with store.staged(key) as folder:
                build_environment(folder, spec, what)


def _working(store: Store, key: str) -> Environment | None:
    folder = store.find(key)
    environment = Environment(folder) if folder else None
    return environment if environment and environment.works() else None
