"""Processes that are known by a lock that they hold: their ids mean nothing outside of a namespace."""

from __future__ import annotations

import fcntl
from pathlib import Path

# `hold(path)` takes a lock for as long as the process lives.
HOLD = """
import fcntl, os, signal, subprocess, sys, time

def hold(path):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    open(path + ".there", "w").close()
    time.sleep(600)

def child(path):
    if os.fork() == 0:
        hold(path)

def daemon(path):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for stream in (0, 1, 2):
                os.dup2(os.open(os.devnull, os.O_RDWR), stream)
            hold(path)
        os._exit(0)
    os.wait()

def wait_for(path):
    while not os.path.exists(path + ".there"):
        time.sleep(0.005)
"""


def is_there(path: Path) -> bool:
    """Return whether a process took the lock, once."""
    return path.with_name(path.name + ".there").exists()


def is_held(path: Path) -> bool:
    """Return whether the process that took the lock is alive."""
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
