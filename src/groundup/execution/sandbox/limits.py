"""How much a run in a sandbox may use."""

from __future__ import annotations

import re
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal, Self

from groundup.errors import UserError

_UNITS = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_UNITS |= {"k": 2**10, "m": 2**20, "g": 2**30}  # as containers have them
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([a-z]*)", re.IGNORECASE)
_MIB = 2**20
_MOST = 2**63 - 1  # which the system can count to

Kind = Literal["bytes", "seconds", "count"]


def _limit(default: int | None, kind: Kind, least: int) -> Any:
    return field(default=default, metadata={"kind": kind, "least": least})


@dataclass(frozen=True, kw_only=True)
class SandboxLimits:
    """What one run may use; None for a limit that is not wanted.

    Sizes are bytes, or text with a unit, such as ``"512 MiB"``.

    :param memory: bytes of address space of each process.
    :param total_memory: bytes of memory of all processes and files in memory together; it needs a cgroup.
    :param cpu_seconds: seconds of processor time of each process.
    :param processes: processes and threads at the same time.
    :param file_size: bytes of each file.
    :param disk: bytes of each of the folders that are made for the run: ``/work``, ``/tmp``, ``/dev/shm``.
    :param open_files: descriptors of each process.
    :raises UserError: a value is none of that, or too small for any program.
    """

    memory: int | None = _limit(1024 * _MIB, "bytes", 32 * _MIB)
    total_memory: int | None = _limit(None, "bytes", 32 * _MIB)
    cpu_seconds: int | None = _limit(600, "seconds", 1)
    processes: int | None = _limit(64, "count", 1)
    file_size: int | None = _limit(128 * _MIB, "bytes", 0)
    disk: int | None = _limit(128 * _MIB, "bytes", 4096)
    open_files: int | None = _limit(256, "count", 16)

    def __post_init__(self) -> None:
        for one in fields(self):
            object.__setattr__(self, one.name, _checked(one, getattr(self, one.name)))

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Return the limits with these values.

        :raises UserError: there is no such limit, or as for the class.
        """
        known = [one.name for one in fields(cls)]
        for name in options:
            if name not in known:
                raise UserError(f"a sandbox has no limit {name!r}", hint=_nearest(name, known))
        return cls(**options)


def _checked(one: Field[Any], value: Any) -> int | None:
    if value is None:
        return None
    kind, least = one.metadata["kind"], one.metadata["least"]
    number = _bytes(value) if kind == "bytes" and isinstance(value, str) else value
    if not isinstance(number, int) or isinstance(number, bool):
        forms = "bytes, or text such as '512 MiB'" if kind == "bytes" else f"a whole number, {kind}"
        raise UserError(f"{one.name}={value!r} is no limit of a sandbox", hint=f"{forms}; None for no limit")
    if number < least:
        raise UserError(f"{one.name}={value!r} is too little for any run", hint=f"at least {least}")
    if number > _MOST:
        raise UserError(f"{one.name}={value!r} is more than a system can count", hint="None for no limit")
    return number


def _bytes(text: str) -> int | None:
    found = _SIZE.fullmatch(text.strip())
    unit = _UNITS.get(found[2].lower()) if found else None
    return round(float(found[1]) * unit) if found and unit else None


def _nearest(name: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
