"""Records: one row a state, in a database that may be shared, damaged, foreign, not writable or full."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag.uptodate.database import VERSION
from groundup.dag.uptodate.errors import RecordsError
from groundup.dag.uptodate.files import Row
from groundup.dag.uptodate.records import UNFINISHED, Record, Records
from tests.support.background import Background
from tests.support.mounts import in_namespace, larger_disk, read_only, small_disk

ROW: Row = ("in.txt", 1, 2, 3, 4, "digest")


def record(name: str, key: str = "key", value: str | None = "1") -> Record:
    return Record(name, key, value, "result", '{"out": "digest"}', "lazy other", "[]")


class Opener:
    """Opens the records in one folder, as different processes would, and keeps what is said."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "deep/er/records.db"
        self.notices: list[str] = []
        self._open: list[Records] = []

    def __call__(self) -> Records:
        self._open.append(Records(self.path, self.notices.append))
        return self._open[-1]

    def close(self) -> None:
        for each in self._open:
            each.close()

    @property
    def aside(self) -> Path:
        return self.path.with_name("records.db.damaged")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    opener = Opener(tmp_path)
    yield opener
    opener.close()


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
    records.put_files([ROW])
    records.prune([], lambda _: [])
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


def test_what_another_process_wrote_is_seen_when_it_is_looked_for(opened: Opener) -> None:
    one, other = opened(), opened()
    one.put(record("a"), [])
    assert other.get("a") == record("a")
    one.put(record("a", "new"), [])
    assert other.get("a") == record("a")
    assert other.refresh("a") == other.get("a") == record("a", "new")
    one.prune([], lambda _: [])
    assert other.refresh("a") is None
    assert other.get("a") is None


def test_states_and_files_that_are_gone_are_removed(opened: Opener) -> None:
    records = opened()
    for name in "abc":
        records.put(record(name), [(name, 1, 1, 1, 1, "x")])
    records.prune({"a", "c"}, lambda row: [row.name])
    again = opened()
    assert [again.get(name) is not None for name in "abc"] == [True, False, True]
    assert again.files.keys() == {"a", "c"}


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


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 200)


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


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


# -- disks ----------------------------------------------------------------------------------------------

SCRIPT = """
import sys
from pathlib import Path
from groundup.dag.uptodate.errors import RecordsError
from groundup.dag.uptodate.records import Record, Records
records = Records(Path(sys.argv[1]), lambda notice: print("notice:", notice))
print("has a:", records.get("a") is not None)
try:
    for number in range(int(sys.argv[2])):
        records.begin("a")
        records.put(Record(f"s{number}", "key", "x" * 1000, "result", "", "", ""), [])
    print("put")
except RecordsError as error:
    print("error:", error, "hint:", error.hint)
records.close()
"""


def in_mounts(folder: Path, mount: str, *, puts: int = 1, then: str = "true") -> str:
    script = folder / "script.py"
    script.write_text(SCRIPT)
    command = f"{sys.executable} {script} {folder}/kept/records.db {puts}"
    done = in_namespace(f"{mount} && {command} && {then}", env=dict(os.environ), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def kept(folder: Path) -> Records:
    (folder / "kept").mkdir()
    return Records(folder / "kept/records.db", lambda _: None)


def test_where_nothing_can_be_written_records_are_read_and_writing_is_passed_over(tmp_path: Path) -> None:
    records = kept(tmp_path)
    records.put(record("a"), [])
    records.close()
    assert in_mounts(tmp_path, read_only(tmp_path / "kept")) == "has a: True\nput\n"
    assert kept_now(tmp_path) == {"a": "key"}


def test_where_nothing_can_be_written_and_nothing_was(tmp_path: Path) -> None:
    kept(tmp_path)
    assert in_mounts(tmp_path, read_only(tmp_path / "kept")) == "has a: False\nput\n"
    assert list((tmp_path / "kept").iterdir()) == []


def test_where_nothing_can_be_written_a_damaged_database_is_as_none(tmp_path: Path) -> None:
    kept(tmp_path)
    garbage(tmp_path / "kept/records.db")
    assert in_mounts(tmp_path, read_only(tmp_path / "kept")) == "has a: False\nput\n"


def test_what_a_killed_process_left_is_not_overlooked_where_nothing_can_be_written(tmp_path: Path) -> None:
    records = kept(tmp_path)
    records.put(record("a"), [])
    records.close()
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    script = SCRIPT.replace('print("put")', killed)
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "kept/records.db"), "1"], check=False)
    assert (tmp_path / "kept/records.db-wal").stat().st_size
    (tmp_path / "kept/records.db-shm").unlink()
    assert in_mounts(tmp_path, read_only(tmp_path / "kept")).startswith("has a: False\n")
    assert kept_now(tmp_path)["a"] == UNFINISHED


def kept_now(folder: Path) -> dict[str, str]:
    with closing(sqlite3.connect(folder / "kept/records.db")) as connection:
        return dict(connection.execute("SELECT name, key FROM states"))


def test_a_full_disk_is_said_and_what_was_kept_stays(tmp_path: Path) -> None:
    kept(tmp_path)
    folder = tmp_path / "kept"
    again = f"{sys.executable} {tmp_path}/script.py {folder}/records.db 1"
    output = in_mounts(
        tmp_path, small_disk(folder, "300k"), puts=1000, then=f"{larger_disk(folder, '2m')} && {again}"
    )
    first, second = output.split("has a: False\n")[1:]
    assert first.startswith(f"error: what is done cannot be kept in {folder}/records.db: ")
    assert "hint: free disk space" in first
    assert second == "put\n"


# -- many processes -------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from groundup.dag.uptodate.records import Record, Records
path, who = Path(sys.argv[1]), sys.argv[2]
sys.stdin.readline()
for number in range(20):
    records = Records(path, lambda notice: print("notice", flush=True))
    for each in range(number % 3 + 1):
        name = f"{who}-{number}-{each}"
        records.put(Record(name, "key", None, "result", "", "", ""), [("f" + name, 1, 1, 1, 1, "x")])
        records.put(Record("shared", name, None, "result", "", "", ""), [])
        records.begin("shared")
        assert records.refresh("shared") is not None
    records.close()
"""


def together(path: Path, count: int = 4) -> list[str]:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [error for _, error in outputs] == [""] * count
    return [output for output, _ in outputs]


def test_processes_that_begin_and_write_at_once_lose_nothing(tmp_path: Path) -> None:
    for number in range(3):
        path = tmp_path / f"{number}/records.db"
        assert together(path) == [""] * 4
        with closing(sqlite3.connect(path)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM states").fetchone()
        assert count == 4 * sum(number % 3 + 1 for number in range(20)) + 1


def test_processes_that_find_it_damaged_at_once_set_it_aside_once(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    for _ in range(3):
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        garbage(path)
        assert sorted(together(path)) == ["", "", "", "notice\n"]
        with closing(sqlite3.connect(path)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM states").fetchone()
        assert count == 4 * sum(number % 3 + 1 for number in range(20)) + 1


def test_a_process_that_is_killed_while_it_writes_leaves_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    chance = random.SystemRandom()
    for _ in range(8):
        with Background(
            [sys.executable, "-c", SCRIPT, str(path), "100000"], env=dict(os.environ), cwd=tmp_path
        ) as process:
            while not path.exists() and not process.ended():
                pass
            with pytest.raises(subprocess.TimeoutExpired):
                process.process.wait(chance.uniform(0, 0.1))
            process.kill()
            process.wait()
        notices: list[str] = []
        records = Records(path, notices.append)
        records.get("s0")
        records.put(record("after"), [])
        assert records.refresh("after") == record("after")
        records.close()
        assert notices == []
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
