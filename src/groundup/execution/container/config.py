"""What can be said of a container: checked, named in messages, the same for Docker and Podman."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from groundup.errors import UserError

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def _bytes(value: object) -> object:
    """Return the bytes that a text like ``512m`` or ``2 GiB`` means."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", value.lower())
    if found is None:
        raise ValueError("a size reads 512m, 2g or a number of bytes")
    return int(float(found[1]) * _UNITS[found[2]])


Size = Annotated[int, BeforeValidator(_bytes), Field(ge=2**20)]


class Mount(BaseModel):
    """A file or folder of this machine that code in the container sees, too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Path
    target: PurePosixPath
    writable: bool = False


class Ulimit(BaseModel):
    """A limit of each process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    soft: int
    hard: int


class ContainerConfig(BaseModel):
    """The settings of a container. Sizes are bytes, or text like ``512m``.

    :ivar image: name of an image, with a registry where it is not the default one; it needs a CPython.
    :ivar pull: "missing" fetches an image that is not there, "never" does not, "always" asks its registry.
    :ivar platform: of the image, such as ``linux/arm64``; by default the engine's.
    :ivar engine: address, ``unix://…`` or ``tcp://…``; by default DOCKER_HOST, else what answers.
    :ivar network: False for none, True for the engine's own, else the name of one.
    :ivar memory: of all processes, their files in /tmp and /work included; swap is not used on top.
    :ivar cpus: processors that they may use together; by default 2, or all that there are.
    :ivar pids: processes and threads.
    :ivar tmp_size: what fits into /tmp.
    :ivar work_size: what fits into the working folder, where it is not a folder of the caller.
    :ivar file_size: the largest file that can be written.
    :ivar shm_size: of /dev/shm.
    :ivar user: ``uid:gid``, not 0; by default the caller's, or for root the owner of the working folder.
    :ivar gpus: "all", a number, or ids.
    :ivar mounts: files and folders that code sees besides; read-only unless they say otherwise.
    :ivar warm: containers that are kept ready for the next run of the same script or project.
    :ivar require_isolation: an error where this process is in a container itself, and would use the host.
    :ivar inside_container: what happens there: "host" runs on it, "isolate" uses the engine all the same.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str | None = None
    pull: Literal["missing", "never", "always"] = "missing"
    platform: str | None = None
    engine: str | None = None
    network: bool | str = Field(default=False, validation_alias=AliasChoices("network", "network_mode"))
    memory: Size = Field(default=2 * 2**30, validation_alias=AliasChoices("memory", "mem_limit"))
    cpus: float | None = Field(default=None, gt=0)
    pids: int = Field(default=256, ge=4, validation_alias=AliasChoices("pids", "pids_limit"))
    tmp_size: Size = 256 * 2**20
    work_size: Size = 1024 * 2**20
    file_size: Size = 2 * 2**30
    shm_size: Size = 64 * 2**20
    user: str | None = Field(default=None, pattern=r"^[1-9]\d*:\d+$")
    gpus: Literal["all"] | Annotated[int, Field(gt=0)] | list[str] | None = None
    mounts: list[Mount] = []
    devices: list[str] = []
    ulimits: dict[str, Ulimit] = {}
    group_add: list[int] = []
    dns: list[str] = []
    extra_hosts: dict[str, str] = {}
    labels: dict[str, str] = {}
    hostname: str | None = None
    runtime: str | None = None
    cpuset_cpus: str | None = None
    warm: int = Field(default=0, ge=0, le=32)
    require_isolation: bool = False
    inside_container: Literal["host", "isolate"] = "host"


def container_config(settings: Mapping[str, Any]) -> ContainerConfig:
    """Return the settings as a model.

    :raises UserError: a name is not known (the nearest is suggested), or a value is not possible.
    """
    _check_names(settings)
    try:
        return ContainerConfig.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "the container"
        words = first["msg"].removeprefix("Value error, ")
        raise UserError(
            f"{name}={settings.get(name)!r} is not possible for a container: {words}",
            hint=_hint(name),
        ) from error


def _check_names(settings: Mapping[str, Any]) -> None:
    known = _names()
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            raise UserError(
                f"a container has no setting {name!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"one of {', '.join(sorted(known))}",
            )


def _names() -> set[str]:
    names = set(ContainerConfig.model_fields)
    for field in ContainerConfig.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            names.update(str(choice) for choice in field.validation_alias.choices)
    return names


def _hint(name: str) -> str:
    if name == "user":
        return "uid:gid as numbers, such as '1000:1000'; a container never runs as root"
    return "correct the setting; the reference of containers lists them all"
