"""The folder of one run of a step: what executables are given, what they wrote, their logs.

::

    <data folder>/steps/<step>/<run>/
        install/ supply/ run/     one for each phase that ran: step.json, parameters/, work/
        run/inputs/               NAME.json and NAME.txt
        run/outputs/              what the step wrote
        logs/                     install.log supply.log run.log
        outputs/                  NAME.json, checked
        lock                      held for as long as the run lasts
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from groundup.config.trees import remove_tree
from groundup.projects.home import data_folder

KEPT = 20  # runs of a step
JUST_MADE = 60  # seconds in which the lock of a run may not be held yet


class RunFolder:
    """The folder of a run at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def outputs(self) -> Path:
        """Folder of the checked outputs."""
        return self.path / "outputs"

    def log(self, phase: str) -> Path:
        """Return the log file of a phase."""
        return self.path / "logs" / f"{phase}.log"

    def phase(self, phase: str) -> Path:
        """Return the folder of a phase, empty, with an empty working folder in it."""
        folder = self.path / phase
        remove_tree(folder)
        (folder / "work").mkdir(parents=True)
        return folder

    def tidy(self) -> None:
        """Remove the working folders."""
        for phase in ("install", "supply", "run"):
            remove_tree(self.path / phase / "work")


@contextmanager
def run_folder(step: str) -> Iterator[RunFolder]:
    """Give a new folder for a run of a step; of earlier runs that have ended the last ones are kept."""
    runs = data_folder() / "steps" / step
    runs.mkdir(parents=True, exist_ok=True)
    folder = runs / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(4).hex()}"
    folder.mkdir(mode=0o700)
    with FileLock(folder / "lock"):
        _forget_old(runs)
        (folder / "logs").mkdir()
        (folder / "outputs").mkdir()
        yield RunFolder(folder)


def _forget_old(runs: Path) -> None:
    """Remove all but the newest runs; one that lasts still, or may just begin, is left alone."""
    known = sorted((entry for entry in runs.iterdir() if entry.is_dir()), key=lambda each: each.name)
    for folder in known[:-KEPT]:
        try:
            if time.time() - folder.stat().st_mtime > JUST_MADE:
                with FileLock(folder / "lock", timeout=0):
                    remove_tree(folder)
        except (Timeout, OSError):  # it lasts, or another run removes it
            continue
