"""Containers of processes that were killed, with their guard: found by their labels and removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from groundup.execution.container.engine import Engine, find_engine, speaking
from groundup.execution.container.owner import LABEL, Owner


def reap_containers(engine: str | None = None, *, dry_run: bool = False) -> list[str]:
    """Remove the containers whose process is dead; return their names.

    Those of other machines, and of processes that cannot be seen from here, are left alone.

    :param engine: its address; by default DOCKER_HOST, else what answers.
    :param dry_run: remove nothing, and return what would be removed.
    :raises EngineMissing: there is no engine; EngineForbidden: this user may not use it.
    """
    with closing(Engine(find_engine(engine))) as connected:
        return reap(connected, dry_run=dry_run)


def reap(engine: Engine, *, dry_run: bool = False) -> list[str]:
    """As :func:`reap_containers`, by a connection that exists."""
    names = list(_abandoned(engine))
    if not dry_run:
        for name in names:
            engine.remove(name)
    return names


def _abandoned(engine: Engine) -> Iterator[str]:
    with speaking("list containers"):
        found = engine.api.containers(all=True, filters={"label": LABEL})
    for each in found:
        if Owner.of(each.get("Labels") or {}).is_dead():
            yield each["Names"][0].lstrip("/")
