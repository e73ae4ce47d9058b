"""Records: one row a state, in a database that may be shared, damaged, foreign, not writable or full."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag.uptodate.database import VERSION
from groundup.dag.uptodate.errors import RecordsError
from groundup.dag.uptodate.records import FAILED, UNDONE, UNFINISHED
from tests.dag.uptodate.opener import ROW, Opener, garbage, half, record


def test_what_is_put_is_there_for_the_next(opened: Opener) -> None:
    opened().put(record("a"), [ROW])
    opened().put(record("b", value=None), [])
    again = opened()
    assert again.get("a") == record("a")
    assert again.get("b") == record("b", value=None)
    assert again.get("c") is None
    assert again.files == {"in.txt": ROW}


def test_reading_makes_nothing(opened: Opener, tmp_path: Path) -> None:
    records = opened()
    assert records.get("a") is None
    assert records.refresh("a") is None
    records.begin("a")
    records.close([ROW])
    records.close()
    assert list(tmp_path.iterdir()) == []


def test_a_record_is_replaced(opened: Opener) -> None:
    records = opened()
    records.put(record("a"), [])
    records.put(record("a", "other"), [])
    assert opened().get("a") == records.get("a") == record("a", "other")


def test_what_begins_is_no_longer_done(opened: Opener) -> None:
    records = opened()
    records.put(record("a"), [])
    records.begin("a")
    assert records.get("a") == opened().get("a") == record("a", UNFINISHED)


def test_what_fails_is_no_longer_done_also_when_it_never_was(opened: Opener) -> None:
    records = opened()
    records.put(record("a"), [])
    for name in "ab":
        records.fail(name)
    again = opened()
    assert again.get("a") == record("a", FAILED)
    failed = again.get("b")
    assert failed
    assert failed.key in UNDONE


def test_what_another_process_wrote_is_seen_when_it_is_looked_for(opened: Opener) -> None:
    one, other = opened(), opened()
    one.put(record("a"), [])
    assert other.get("a") == record("a")
    one.put(record("a", "new"), [])
    assert other.get("a") == record("a")
    assert other.refresh("a") == other.get("a") == record("a", "new")
    one._database.write(("DELETE FROM states WHERE name = ?", [("a",)]))
    assert other.refresh("a") is None
    assert other.get("a") is None


def test_names_of_files_that_are_no_text_are_not_kept(opened: Opener) -> None:
    records = opened()
    records.put(record("a"), [("\udcff", 1, 1, 1, 1, "x"), ("ü", 1, 1, 1, 1, "x")])
    again = opened()
    assert again.get("a") is not None
    assert again.files.keys() == {"ü"}


def test_closed_records_open_again(opened: Opener) -> None:
    records = opened()
    records.put(record("a"), [])
    records.close()
    opened().put(record("a", "meanwhile"), [])
    assert records.get("a") == record("a", "meanwhile")
    records.put(record("b"), [])
    assert opened().get("b") is not None


# -- a database that is no use --------------------------------------------------------------------------


def zeroes_within(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)


def execute(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return change


def foreign(path: Path) -> None:
    path.unlink()
    execute("CREATE TABLE states (name TEXT, other INTEGER)")(path)


DAMAGES = {
    "garbage": garbage,
    "half": half,
    "zeroes": zeroes_within,
    "foreign": foreign,
    "newer": execute(f"PRAGMA user_version = {VERSION + 1}"),
    "of another program": execute("PRAGMA application_id = 7"),
    "without a table": execute("DROP TABLE files"),
    "without a column": execute("ALTER TABLE states DROP COLUMN lazies"),
    "no text": execute("UPDATE states SET value = CAST(x'ff' AS TEXT)"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_database_that_is_no_use_is_set_aside_and_begun_anew(
    opened: Opener, damage: Callable[[Path], None]
) -> None:
    records = opened()
    for number in range(200):
        records.put(record(f"s{number}"), [ROW])
    records.close()
    damage(opened.path)
    content = opened.path.read_bytes()
    records = opened()
    assert records.get("s1") is None
    assert opened.aside.read_bytes() == content
    (notice,) = opened.notices
    assert str(opened.path) in notice
    assert str(opened.aside) in notice
    records.put(record("new"), [ROW])
    assert opened().get("new") == record("new")
    assert len(opened.notices) == 1


@pytest.mark.parametrize("damage", [garbage, half], ids=["garbage", "half"])
def test_a_database_that_is_damaged_while_it_is_used(opened: Opener, damage: Callable[[Path], None]) -> None:
    records = opened()
    for number in range(200):
        records.put(record(f"s{number}"), [])
    records.close()
    assert records.get("s1") is not None
    damage(opened.path)
    records.put(record("new"), [])
    records.close()
    opened().put(record("newer"), [])  # finds the damage at the latest
    assert opened().get("newer") == record("newer")


def test_an_empty_file_is_a_beginning(opened: Opener) -> None:
    opened.path.parent.mkdir(parents=True)
    opened.path.touch()
    records = opened()
    assert records.get("a") is None
    records.put(record("a"), [])
    assert opened().get("a") == record("a")
    assert opened.notices == []


def test_a_folder_in_its_place_is_set_aside(opened: Opener) -> None:
    opened.path.mkdir(parents=True)
    records = opened()
    assert records.get("a") is None
    assert opened.aside.is_dir()
    records.put(record("a"), [])
    assert opened().get("a") == record("a")


def test_a_database_that_is_deleted_while_it_is_used_is_made_again(opened: Opener) -> None:
    records = opened()
    records.put(record("a"), [])
    shutil.rmtree(opened.path.parent)
    records.put(record("b"), [])
    records.put(record("c"), [])
    records.close()
    assert opened().get("a") is None
    assert opened.notices == []


def test_a_file_where_the_folder_should_be_is_an_error(opened: Opener) -> None:
    opened.path.parent.parent.mkdir()
    opened.path.parent.touch()
    with pytest.raises(RecordsError, match="cannot be kept in") as error:
        opened().put(record("a"), [])
    assert error.value.hint


@given(st.binary(max_size=300), st.integers(0, 20_000))
def test_whatever_is_written_over_it_does_no_harm(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    opened = Opener(tmp_path_factory.mktemp("noise"))
    records = opened()
    records.put(record("a"), [ROW])
    records.close()
    content = bytearray(opened.path.read_bytes())
    content[at : at + len(noise)] = noise
    opened.path.write_bytes(content)
    again = opened()
    again.get("a")
    again.put(record("b"), [ROW])
    opened.close()
    final = opened()
    assert final.get("b") == record("b")
    opened.close()
