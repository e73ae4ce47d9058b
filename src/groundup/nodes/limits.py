"""Limits of an execution in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.nodes.errors import RuntimeConfigurationError

_LEAST_BYTES = 128 * 1024**2


@dataclass(frozen=True, slots=True)
class Limits:
    """Lets each execution run in a process of its own, which is killed when it is cancelled.

    :param memory: bytes, those of Python itself included; None: as much as there is.
    :param seconds: time that an execution may take; None: no limit but that of the flow.
    :raises RuntimeConfigurationError: for limits that nothing could keep.
    """

    memory: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.memory is not None and self.memory < _LEAST_BYTES:
            raise RuntimeConfigurationError(
                f"Limits: memory of {self.memory} bytes is less than Python needs",
                hint=f"at least {_LEAST_BYTES}, 128 MiB",
            )
        if self.seconds is not None and self.seconds <= 0:
            raise RuntimeConfigurationError(
                f"Limits: {self.seconds} seconds is no time", hint="pass more than 0"
            )
