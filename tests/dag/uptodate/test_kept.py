"""The folder of the tracker: what is kept in it, and the locks."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import ExitStack

import pytest

from groundup.dag import state
from groundup.dag.uptodate import Tracker, Verdict
from tests.dag.uptodate.desk import Desk, built, read
from tests.support.background import until


def test_stats_are_kept_when_the_tracker_is_closed(desk: Desk) -> None:
    desk.write("in.txt", "1")
    desk.evaluate(read, 1)
    while time.time_ns() - (desk.root / "in.txt").stat().st_ctime_ns <= 2_000_000_000:
        time.sleep(0.05)
    assert desk.reasons(read) == []
    desk.again()
    assert desk.judge(read).up_to_date
    assert desk.tracker._files.take_new() == []  # it was not read again


def test_records_of_no_use_are_said_and_begun_anew(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.evaluate(read, 1)
    desk.tracker.close()
    (desk.folder / "records.db").write_bytes(b"x" * 5000)
    with caplog.at_level(logging.WARNING, "groundup"):
        assert desk.judge(read).is_first
    assert "is of no use" in caplog.text
    notices: list[str] = []
    (desk.folder / "records.db").write_bytes(b"x" * 5000)
    with Tracker(desk.root, desk.folder, on_notice=notices.append) as tracker:
        assert tracker.judge(read, None, {}).is_first
    assert len(notices) == 1


def test_a_record_whose_text_is_damaged_is_none(desk: Desk) -> None:
    desk.write("out.txt")
    desk.evaluate(built, 1)
    records = desk.tracker._records
    record = records.get("built")
    assert record is not None
    for damaged in (record._replace(outputs="{"), record._replace(key="x", fingerprint="[1]")):
        records.put(damaged, [])
        assert desk.reasons(built) == ["first built"]
        records = desk.tracker._records


# -- locks ----------------------------------------------------------------------------------------------


def test_one_evaluates_the_other_waits_and_finds_it_done(desk: Desk) -> None:
    said: list[str] = []
    first, second = desk.tracker, Tracker(desk.root, desk.folder)
    assert not second.judge(read, None, {}).up_to_date
    done = threading.Event()
    found: list[Verdict] = []

    def other() -> None:
        with second.lock(read, said.append) as is_news:
            assert is_news
            assert done.is_set()
            found.append(second.judge(read, None, {}))

    with first.lock(read, said.append) as is_news:
        assert not is_news
        thread = threading.Thread(target=other)
        thread.start()
        until(lambda: said, "the other waits")
        desk.evaluate(read, 7)
        done.set()
    thread.join()
    second.close()
    assert found[0].up_to_date
    assert found[0].stored is not None
    assert found[0].stored() == 7
    (text,) = said
    assert text.startswith("waiting for process ")


def test_what_another_process_did_before_the_lock_was_held_is_news(desk: Desk) -> None:
    with Tracker(desk.root, desk.folder) as second:
        assert not second.judge(read, None, {}).up_to_date
        desk.evaluate(read, 7)
        with second.lock(read, pytest.fail) as is_news:
            assert is_news
            assert second.judge(read, None, {}).up_to_date
        with second.lock(read, pytest.fail) as is_news:
            assert not is_news


def test_a_lock_may_be_released_by_another_thread(desk: Desk) -> None:
    lock = desk.tracker.lock(read, print)
    lock.__enter__()
    thread = threading.Thread(target=lock.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    waited: list[str] = []
    with desk.tracker.lock(read, waited.append):
        assert waited == []


def test_states_of_any_name_have_a_lock_of_their_own(desk: Desk) -> None:
    names = ["a", "a.replaced", "ü", "a/b", "..", "x" * 1000]
    waited: list[str] = []
    with ExitStack() as held:
        for name in names:
            made = state(name="it")(lambda: None)
            made.name = name
            held.enter_context(desk.tracker.lock(made, waited.append))
        assert waited == []


def test_where_no_lock_can_be_made_there_is_none(desk: Desk) -> None:
    desk.write(".groundup/states/locks", "a file")
    waited: list[str] = []
    with desk.tracker.lock(read, waited.append):
        assert waited == []
    assert (desk.root / ".groundup/states/locks").read_text() == "a file"
