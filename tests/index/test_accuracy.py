"""Of imports whose distribution has another name, nearly all are told right, and none wrong."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from groundup.projects.inference.index import Indexes, configured_indexes
from groundup.projects.inference.modules import distribution_name
from groundup.projects.inference.standard import Version
from groundup.projects.inference.transfer import TransferError
from tests.index.accuracy import Case, Verdict, cases, drawn, judge, summary
from tests.support.index import IndexServer
from tests.support.requirements import require
from tests.support.wheels import build_wheel

OWN: Version = (sys.version_info[0], sys.version_info[1])
SAMPLE = 12


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("GROUNDUP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def build_hostile_index(folder: Path, wanted: Sequence[Case]) -> None:
    """Build the distributions that are right, and for each import one that took its name and has it too."""
    provided: dict[str, list[str]] = {}
    for case in wanted:
        for name in {
            *map(distribution_name, case.accepted),
            distribution_name(case.module.partition(".")[0]),
        }:
            provided.setdefault(name, []).append(case.module)
    for name, modules in provided.items():
        build_wheel(folder, name, modules={path: "" for module in modules for path in _packages(module)})


def _packages(module: str) -> list[str]:
    parts = module.split(".")
    return ["/".join([*parts[:count], "__init__.py"]) for count in range(1, len(parts) + 1)]


def those(verdicts: Sequence[Verdict], outcome: str) -> list[str]:
    return [str(one) for one in verdicts if one.outcome == outcome]


def test_what_took_the_name_of_a_module_is_not_taken_for_it(home: Path, tmp_path: Path) -> None:
    wanted = [case for case in cases() if case.kind in ("renamed", "several", "refused")]
    build_hostile_index(tmp_path / "index", wanted)
    with IndexServer(tmp_path / "index", ranges="all") as index:
        verdicts = judge(wanted, Indexes((index.url,)), OWN)
    renamed = [one for one in verdicts if one.case.kind == "renamed"]
    assert len(renamed) >= 300
    assert those(verdicts, "wrong") == []
    assert len(those(renamed, "right")) >= 0.95 * len(renamed), summary(verdicts)


def test_a_sample_of_imports_is_told_by_the_files_of_real_wheels(home: Path) -> None:
    seed = os.environ.get("GROUNDUP_TEST_SEED") or str(random.SystemRandom().randrange(10**6))
    print(f"GROUNDUP_TEST_SEED={seed}")
    indexes = configured_indexes()
    try:
        indexes.files("packaging")
    except TransferError as error:
        require(error.status, f"an index that can be reached: {error}")
    verdicts = judge(drawn(seed, SAMPLE), indexes, OWN)
    published = [one for one in verdicts if one.case.kind != "unpublished"]
    assert those(published, "wrong") == []
    undecided = those(published, "undecided")  # the index removed it, or its source does not tell
    taken = [str(one) for one in verdicts if one not in published and one.outcome == "wrong"]
    print(*undecided, *taken, sep="\n")
    assert len(undecided) < SAMPLE / 2
