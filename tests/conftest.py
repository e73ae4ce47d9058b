"""Opens the folder that a test session shares, and removes it at the end."""

from __future__ import annotations

import shutil
import signal

import pytest
from hypothesis import settings

from tests.support.session import open_session

made = pytest.StashKey["str | None"]()

# No test depends on how fast the machine is.
settings.register_profile("groundup", deadline=None)
settings.load_profile("groundup")


def pytest_configure(config: pytest.Config) -> None:
    _listen_to_signals()
    folder = open_session()
    config.stash[made] = None if folder is None else str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(made, None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _listen_to_signals() -> None:
    """Take signals as a program in the foreground does: a shell starts others with some of them ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
