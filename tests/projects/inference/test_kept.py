"""Answers are kept whole, by many at once, and a cache that cannot be written stops nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from groundup.projects.inference.kept import keep, kept_at, recall
from tests.projects.inference.conftest import Infer
from tests.support.index import IndexServer


def test_threads_keep_the_same_answer(tmp_path: Path) -> None:
    path = tmp_path / "kind/answer.json"
    answer = ["module.py"] * 1000
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda _: keep(path, answer), range(200)):
            assert recall(path) == answer
    assert list(path.parent.iterdir()) == [path]


def test_what_was_damaged_is_asked_again(inferred: Infer, index: IndexServer) -> None:
    inferred("import plain")
    kept = [*kept_at("inference", "").parent.iterdir(), *kept_at("evidence", "").parent.iterdir()]
    assert len(kept) == 2
    for file in kept:
        file.write_bytes(b"\xff half")
    assert inferred("import plain")["plain"].requirement == "plain"


def test_without_a_cache_the_index_is_asked_each_time(inferred: Infer, index: IndexServer) -> None:
    folder = kept_at("", "").parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder should be")
    for count in (1, 2):
        assert inferred("import plain")["plain"].requirement == "plain"
        assert index.downloads("plain") == count
