"""Rows of the table of modules, proved by the files of wheels on the index that this machine uses.

A few are drawn at each run, by a seed that is printed; ``GROUNDUP_TEST_SEED`` draws the same again.
"""

from __future__ import annotations

import os
import random
import warnings
from pathlib import Path

import pytest

from groundup.projects.inference.deciding import Decider
from groundup.projects.inference.errors import Undecided
from groundup.projects.inference.imports import Import
from groundup.projects.inference.index import Indexes, configured_indexes
from groundup.projects.inference.modules import shipped_table
from groundup.projects.inference.standard import NEWEST, Version
from groundup.projects.inference.transfer import TransferError
from tests.support.requirements import require

SAMPLE = 12
VERSIONS: tuple[Version, ...] = ((3, 12), NEWEST, (3, 9))


@pytest.fixture
def indexes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Indexes:
    """The configured indexes, reachable, and an empty cache."""
    monkeypatch.setenv("GROUNDUP_HOME", str(tmp_path))
    found = configured_indexes()
    try:
        found.files("packaging")
    except TransferError as error:
        require(error.status, f"an index that can be reached: {error}")
    return found


def drawn() -> list[str]:
    """Return the modules of this run."""
    seed = os.environ.get("GROUNDUP_TEST_SEED") or str(random.SystemRandom().randrange(10**6))
    print(f"GROUNDUP_TEST_SEED={seed}")
    return random.Random(seed).sample(sorted(shipped_table().rows), SAMPLE)  # noqa: S311


def verdict(module: str, indexes: Indexes) -> str:
    """Return "" for a row that is proved, else what was found."""
    reasons = []
    for version in VERSIONS:
        decided = Decider(shipped_table(), indexes, version).decide(module, [Import(module, 1)])
        if not isinstance(decided, Undecided):
            return ""
        if decided.reason.startswith("several provide it") and len(decided.candidates) > 1:
            return ""
        reasons.append(decided.reason)
    return f"{module}: {' / '.join(dict.fromkeys(reasons))}"


def test_rows_are_proved_by_the_files_of_wheels(indexes: Indexes) -> None:
    found = {module: verdict(module, indexes) for module in drawn()}
    wrong = [reason for reason in found.values() if "does not contain it" in reason]
    unproved = [reason for reason in found.values() if reason and reason not in wrong]
    for reason in unproved:  # the index removed it, or has its source alone
        print(reason)
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn(f"not proved: {reason}", stacklevel=1)
    assert wrong == []
    assert len(unproved) < SAMPLE
