"""Folders appear, are replaced and disappear as a whole, also when the process is killed."""

import random
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from groundup.projects.store import BusyError, Store
from tests.support.background import Background, until


def put(store: Store, name: str, text: str) -> None:
    with store.locked(name), store.staged(name) as folder:
        (folder / "text").write_text(text)


def read(store: Store, name: str) -> str | None:
    folder = store.find(name)
    return (folder / "text").read_text() if folder else None


def leftovers(store: Store) -> list[Path]:
    return [path for aside in (".building", ".replaced") for path in (store.root / aside).glob("*")]


def test_a_folder_appears_and_is_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert read(store, "a") is None
    put(store, "a", "one")
    put(store, "a", "two")
    put(store, "b.c", "three")
    assert (read(store, "a"), read(store, "b.c"), store.names()) == ("two", "three", ["a", "b.c"])
    assert leftovers(store) == []


def test_nobody_sees_a_folder_before_it_is_complete(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.locked("a"), store.staged("a") as folder:
        (folder / "text").write_text("half")
        assert store.find("a") is None
        assert store.names() == []
    assert read(store, "a") == "half"


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "a", "old")
    with pytest.raises(RuntimeError), store.locked("a"), store.staged("a") as folder:
        (folder / "text").write_text("new")
        raise RuntimeError
    assert read(store, "a") == "old"
    assert leftovers(store) == []


def test_removal(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "a", "old")
    with store.locked("a"):
        store.remove("a")
    assert store.names() == []
    assert leftovers(store) == []


def test_a_replacement_that_stopped_between_its_renames_is_undone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "a", "old")
    (tmp_path / ".replaced").mkdir()
    (tmp_path / "a").rename(tmp_path / ".replaced/a")
    assert store.names() == ["a"]
    assert read(store, "a") == "old"
    assert leftovers(store) == []


def test_a_replacement_that_stopped_before_its_end_is_finished(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "a", "new")
    (tmp_path / ".replaced/a").mkdir(parents=True)
    assert read(store, "a") == "new"
    put(store, "a", "newer")
    assert read(store, "a") == "newer"
    assert leftovers(store) == []


def test_the_second_of_two_waits_for_the_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    order: list[str] = []

    def put_second() -> None:
        put(store, "a", "two")
        order.append("second")

    second = threading.Thread(target=put_second)
    with store.locked("a"), store.staged("a") as folder:
        second.start()
        second.join(0.1)
        (folder / "text").write_text("one")
        order.append("first")
    second.join()
    assert order == ["first", "second"]
    assert read(store, "a") == "two"


def test_what_is_in_use_is_not_removed_as_unused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "a", "one")
    with store.using("a") as one, store.using("a") as two:
        assert one == two == tmp_path / "a"
        assert not store.is_unused("a", 0)
        assert not store.remove_unused("a", 0)
    assert not store.is_unused("a", 60)
    assert store.is_unused("a", 0)
    assert store.remove_unused("a", 0)
    with store.using("a") as gone:
        assert gone is None
    assert not store.remove_unused("a", 0)


def test_what_was_removed_while_a_user_waited_is_not_given(tmp_path: Path) -> None:
    store = Store(tmp_path)
    given: list[Path | None] = []

    def use() -> None:
        with store.using("a") as folder:
            given.append(folder)

    put(store, "a", "one")
    with store._unused("a", 0) as mark:
        assert mark is not None
        user = threading.Thread(target=use)
        user.start()
        user.join(0.1)
        assert given == []
        with store.locked("a"):
            store.remove("a")
        mark.remove()
    user.join()
    assert given == [None]


def test_a_store_that_cannot_be_written_is_used(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    put(store, "a", "one")
    (store.root / ".used").write_text("")  # no folder: no mark can be made
    with store.using("a") as folder:
        assert folder == store.root / "a"


def test_only_who_does_not_wait_is_told_that_it_is_busy(tmp_path: Path) -> None:
    store = Store(tmp_path)
    waited: list[str] = []

    def second() -> None:
        with store.locked("a", on_wait=lambda: waited.append("waits")):
            waited.append("has it")

    with store.locked("a"):
        with pytest.raises(BusyError), store.locked("a", wait=False):
            pass
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.1)
    thread.join()
    assert waited == ["waits", "has it"]


REPLACE_FOR_EVER = """
import sys
from functools import partial
from pathlib import Path
from groundup.projects.store import Store
store = Store(Path(sys.argv[1]))
for number in range(10**9):
    with store.locked("a"), store.staged("a") as folder:
        for name in ("text", *map(str, range(20))):
            (folder / name).write_text(str(number))
    print(number, flush=True)
"""


def test_a_kill_at_any_moment_leaves_a_complete_folder(tmp_path: Path) -> None:
    store = Store(tmp_path)
    seed = time.time_ns()
    chance = random.Random(seed)  # noqa: S311 - the moment of a kill
    for _ in range(20):
        with Background(
            [sys.executable, "-c", REPLACE_FOR_EVER, str(tmp_path)], env={}, cwd=tmp_path
        ) as writer:
            until(partial(getattr, writer, "stdout"), "the first replacement")
            time.sleep(chance.uniform(0, 0.02))
            writer.kill()
            writer.wait()
        folder = store.find("a")
        assert folder is not None, f"seed {seed}"
        contents = {(folder / name).read_text() for name in ("text", *map(str, range(20)))}
        assert len(contents) == 1, f"seed {seed}"
    put(store, "a", "healed")
    assert leftovers(store) == []
