"""Records on disks that are full or not to be written, and shared by many processes."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from groundup.dag.uptodate.records import UNFINISHED, Records
from tests.dag.uptodate.opener import garbage, record
from tests.support.background import Background
from tests.support.mounts import in_namespace, larger_disk, read_only, small_disk

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
