"""What install and supply made: once, aside, held while it is used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from groundup.execution.languages.shelf import Kept, Shelf
from tests.support.background import PATIENCE


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def maker(home: Path, text: str) -> Callable[[Path], Path]:
    """Return what makes a folder with a file of `text`."""

    def make(content: Path) -> Path:
        (content / "file").write_text(text)
        (home / "log").write_text(f"log of {text}")
        return home / "log"

    return make


def refuse(_content: Path) -> Path:
    raise AssertionError("it is there already")


def test_it_is_made_once_with_its_log(home: Path, held: ExitStack) -> None:
    first = Shelf("install").take("key", maker(home, "one"), held)
    again = Shelf("install").take("key", refuse, held)
    assert ((first.content / "file").read_text(), first.log.read_text()) == ("one", "log of one")
    assert (first.is_new, again) == (True, first._replace(is_new=False))
    assert Shelf("supply").take("key", maker(home, "two"), held).is_new


def test_what_fails_leaves_nothing(home: Path, held: ExitStack) -> None:
    def fail(content: Path) -> Path:
        (content / "half").touch()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Shelf("install").take("key", fail, held)
    assert Shelf("install").store.names() == []
    assert Shelf("install").take("key", maker(home, "one"), held).is_new


def test_what_is_broken_is_made_again_once(home: Path, held: ExitStack) -> None:
    broken = Shelf("install").take("key", maker(home, "one"), held)
    fresh = Shelf("install").take("key", maker(home, "two"), held, broken=broken)
    assert (fresh.content / "file").read_text() == "two"
    assert not Shelf("install").take("key", refuse, held, broken=broken).is_new


def test_what_is_used_is_not_removed_as_unused(home: Path) -> None:
    shelf = Shelf("install")
    with ExitStack() as held:
        shelf.take("key", maker(home, "one"), held)
        assert not shelf.store.remove_unused("key", 0)
    assert shelf.store.remove_unused("key", 0)
    with ExitStack() as held:
        assert shelf.take("key", maker(home, "two"), held).is_new


def test_who_waits_for_another_is_told(home: Path, held: ExitStack) -> None:
    begun, told = threading.Event(), threading.Event()

    def slowly(content: Path) -> Path:
        begun.set()
        assert told.wait(PATIENCE)
        return maker(home, "one")(content)

    made: list[Kept] = []
    other = threading.Thread(target=lambda: made.append(Shelf("install").take("key", slowly, held)))
    other.start()
    try:
        assert begun.wait(PATIENCE)
        kept = Shelf("install").take("key", refuse, held, on_wait=told.set)
    finally:
        told.set()
        other.join()
    assert (made[0].is_new, kept.is_new) == (True, False)
