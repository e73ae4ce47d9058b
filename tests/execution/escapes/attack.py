"""A hostile script, and what it is let loose on: for any runtime that isolates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ESCAPED = "escaped"
STARTED = "started"
# What every attack can use: `world`, the names of World.told, and libc.
_PRELUDE = """
import ctypes, fcntl, glob, json, os, signal, socket, stat, struct, subprocess, sys, termios, threading, time
world = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
print("started", flush=True)

def call(answer):
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer

def system_call(x86, generic, *arguments):
    number = x86 if os.uname().machine == "x86_64" else generic
    return call(libc.syscall(ctypes.c_long(number), *arguments))
"""
_SUCCESS = "\nprint('escaped', flush=True)\nos._exit(0)\n"


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A script that prints "escaped" when it got what it wanted, and is bounded in itself.

    :ivar limits: limits, by their names in a sandbox, under which it is run.
    :ivar lifted: for what eats resources: the limit without which it gets through; others escape on the host.
    :ivar needs_root: whether on the host it gets through for root alone.
    """

    name: str
    body: str
    limits: Mapping[str, Any] = field(default_factory=dict)
    lifted: str | None = None
    needs_root: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def script(self) -> bytes:
        """The script; it gets what it is let loose on as JSON."""
        return (_PRELUDE + self.body + _SUCCESS).encode()
