"""One log file per run, and not too many of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from groundup.dag.output import Capture
from groundup.dag.output.log import remove_oldest

NAMES = [f"2026010{day}-120000-{pid}.log" for day, pid in [(1, 999), (2, 17), (3, 500), (4, 3)]]
OTHERS = ["notes.log", "20260101-120000-7.txt", "20260101-120000.log", "x20260101-120000-7.log"]


@pytest.mark.parametrize(("keep", "left"), [(9, 4), (4, 4), (3, 3), (1, 1), (0, 0), (-1, 0)])
def test_the_newest_logs_stay_and_other_files(tmp_path: Path, keep: int, left: int) -> None:
    for name in [*NAMES, *OTHERS]:
        (tmp_path / name).touch()
    remove_oldest(tmp_path, keep)
    assert {path.name for path in tmp_path.iterdir()} == {*OTHERS, *NAMES[4 - left :]}


def test_a_run_that_writes_removes_the_oldest(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).touch()
    with Capture(tmp_path, keep=3) as capture:
        with capture.of("silent"):
            pass
        assert len(list(tmp_path.iterdir())) == 4
        for _ in range(5):
            with capture.of("loud"):
                print("x")
        assert capture.log is not None
        assert {path.name for path in tmp_path.iterdir()} == {*NAMES[2:], capture.log.name}


def test_at_least_the_log_of_the_run_itself_is_kept(tmp_path: Path) -> None:
    with Capture(tmp_path, keep=0) as capture, capture.of("state") as output:
        print("x")
    assert output.text() == "x\n"


RUN = """
import sys
from pathlib import Path
from groundup.dag.output import Capture
for number in range(20):
    with Capture(Path(sys.argv[1]), keep=100) as capture, capture.of("state") as output:
        print("x" * 1000)
    assert output.text() == "x" * 1000 + "\\n"
    print(capture.log)
"""


def test_runs_at_the_same_time_have_logs_of_their_own(tmp_path: Path) -> None:
    runs = [
        subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    logs = [line for run in runs for line in run.communicate()[0].split()]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert len(set(logs)) == 60
    assert {str(path) for path in tmp_path.iterdir()} == set(logs)


def test_a_log_that_is_removed_while_the_run_goes_on_is_made_again(tmp_path: Path) -> None:
    with Capture(tmp_path / "logs") as capture:
        with capture.of("first"):
            print("one")
        assert capture.log is not None
        capture.log.unlink()
        os.rmdir(tmp_path / "logs")  # noqa: PTH106
        with capture.of("second") as output:
            print("two")
        assert "two\n" in capture.log.read_text()
    assert output.text() == "two\n"
