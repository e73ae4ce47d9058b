"""Inputs that name nothing are found, without reading anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.dag import state
from groundup.dag.uptodate.files import Files
from groundup.dag.uptodate.unmatched import unmatched_inputs

PRESENT = ("a.txt", "src", "src/", "src/*.py", "src/**", "**/*.py", "empty", "dangling", "?.txt")
ABSENT = ("b.txt", "~/a.txt", "notes/*.md", "src/*.txt", "empty/*", "emp*", "src/a.py/x", "**/*.md", "**/zzz")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.txt", "src/a.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    return tmp_path


def test_those_that_name_nothing_are_told(root: Path) -> None:
    declared = state(lambda: None, name="it", inputs=[*PRESENT, *ABSENT])
    assert unmatched_inputs(declared, root) == ABSENT


@given(st.lists(st.sampled_from(["a.txt", "src", "a.py", "empty", "*", "**", "?", "[a-s]*"]), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_matches_what_a_fingerprint_covers(root: Path, parts: list[str]) -> None:
    files = Files(root, {}, root)
    pattern = "/".join(parts)
    assert files.matches(pattern) == bool(files.digests([pattern]))


def test_no_content_is_read(root: Path) -> None:
    os.mkfifo(root / "pipe.txt")
    assert Files(root, {}, root).matches("p*.txt")
