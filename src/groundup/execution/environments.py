"""Environments of scripts: made once, found again by requirements and Python, never changed."""

from __future__ import annotations

from groundup.projects.environment import Environment, build_environment
from groundup.projects.home import cache_folder
from groundup.projects.requirements import EnvironmentSpec
from groundup.projects.store import Store


def cached_environment(spec: EnvironmentSpec, what: str) -> Environment:
    """Return the environment for `spec`; it is built when there is none, or when its Python is gone.

    `what` names in messages whose requirements they are. Raises UserError for a malformed requirement and
    ProvisioningError with uv's words.
    """
    store = Store(cache_folder() / "environments")
    key = spec.key()
    return _working(store, key) or _build(store, key, spec, what)


def _build(store: Store, key: str, spec: EnvironmentSpec, what: str) -> Environment:
    with store.locked(key):
        built_meanwhile = _working(store, key)
        if built_meanwhile:
            return built_meanwhile
        with store.staged(key) as folder:
            build_environment(folder, spec, what)
    return Environment(store.root / key)


def _working(store: Store, key: str) -> Environment | None:
    folder = store.find(key)
    environment = Environment(folder) if folder else None
    return environment if environment and environment.works() else None
