"""Where nothing can be written: the run goes on, one line says what becomes of the output."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from groundup.dag.output import Capture
from groundup.dag.output.storage import Storage
from tests.support.mounts import in_namespace, read_only, small_disk
from tests.support.process import clean_env

RUN = """
import subprocess, sys
from pathlib import Path
from groundup.dag.output import Capture, Children, Running
with Capture(Path(sys.argv[1])) as capture:
    for number in range(3):
        with Running(Children(), capture.of(f"state{number}")) as running:
            print("printed")
            subprocess.run(["echo", "process"], check=True)
        print("kept:", running.output.text().split())
    print("log:", capture.log)
"""
FULL = """
import sys
from pathlib import Path
from groundup.dag.output import Capture, Children, Running
folder = Path(sys.argv[1])
with Capture(folder) as capture:
    with Running(Children(), capture.of("first")) as running:
        for number in range(400):
            print(f"{number:05}", "x" * 10_000)
    lines = running.output.text().splitlines()
    print("kept:", [int(line[:5]) for line in lines] == list(range(400)), {len(line) for line in lines})
    with Running(Children(), capture.of("second")) as running:
        print("printed")
    print("kept:", running.output.text().split())
    print("log:", capture.log.parent != folder, capture.log.read_text().count("==="))
if "earlier" in globals():
    print("before:", earlier.read_text().count("==="), earlier.read_text().split()[-1])
print("left:", [path.name for path in folder.iterdir()])
"""
BEFORE = """
with Capture(folder) as capture:
    with capture.of("before"):
        print("before")
    earlier = capture.log
"""


def script(folder: Path, code: str, *before: str) -> str:
    run = shlex.join([sys.executable, "-W", "error", "-c", code, str(folder)])
    return " && ".join([*before, run])


def python(code: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    env = clean_env(folder.parent / "home", **variables)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )


def assert_goes_elsewhere(done: subprocess.CompletedProcess[str], temporary: Path, reason: str) -> None:
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"groundup: the output of states goes to {temporary}/groundup-output-")
    assert reason in line
    assert done.stdout.splitlines()[:3] == ["kept: ['printed', 'process']"] * 3
    assert done.stdout.splitlines()[3].startswith(f"log: {temporary}/groundup-output-")


def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return a folder for logs and one for temporary files."""
    logs, temporary = tmp_path / "logs", tmp_path / "temporary"
    logs.mkdir()
    temporary.mkdir()
    return logs, temporary


def test_a_folder_that_cannot_be_made_is_replaced(tmp_path: Path) -> None:
    logs, temporary = folders(tmp_path)
    logs.rmdir()
    logs.write_text("a file")
    assert_goes_elsewhere(python(RUN, logs, TMPDIR=str(temporary)), temporary, "File exists")


def test_a_read_only_folder_is_replaced(tmp_path: Path) -> None:
    logs, temporary = folders(tmp_path)
    env = clean_env(tmp_path / "home", TMPDIR=str(temporary))
    done = in_namespace(script(logs, RUN, read_only(logs)), env=env, cwd=tmp_path)
    assert_goes_elsewhere(done, temporary, "Read-only file system")


def test_a_full_disk_is_replaced(tmp_path: Path) -> None:
    logs, temporary = folders(tmp_path)
    fill = f"head -c 2m /dev/zero > '{logs}/filling' 2>/dev/null; true"
    env = clean_env(tmp_path / "home", TMPDIR=str(temporary))
    done = in_namespace(script(logs, RUN, small_disk(logs, "1m"), f"({fill})"), env=env, cwd=tmp_path)
    assert_goes_elsewhere(done, temporary, "No space left on device")


def test_where_no_folder_can_be_written_output_is_shown(tmp_path: Path) -> None:
    logs, temporary = folders(tmp_path)
    env = clean_env(tmp_path / "home", TMPDIR=str(temporary))
    usual = [Path(folder, "tmp") for folder in ("/", "/var", "/usr")]
    mounts = map(read_only, [tmp_path, *filter(Path.exists, usual)])
    done = in_namespace(script(logs, RUN, *mounts, f"cd '{tmp_path}'"), env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("groundup: the output of states is not kept: ")
    assert sorted(done.stdout.splitlines()) == [
        *["kept: []"] * 3,
        "log: None",
        *["printed"] * 3,
        *["process"] * 3,
    ]


def test_a_disk_that_fills_up_is_left_and_nothing_is_lost(tmp_path: Path) -> None:
    logs, temporary = folders(tmp_path)
    env = clean_env(tmp_path / "home", TMPDIR=str(temporary))
    done = in_namespace(script(logs, FULL, small_disk(logs, "1m")), env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert "No space left on device" in line
    assert done.stdout.splitlines() == ["kept: True {10006}", "kept: ['printed']", "log: True 4", "left: []"]


def test_a_log_that_does_not_fit_is_written_elsewhere_as_a_whole(tmp_path: Path) -> None:
    logs, temporary = folders(tmp_path)
    code = FULL.replace("range(400)", "range(70)")  # fits once, not twice
    env = clean_env(tmp_path / "home", TMPDIR=str(temporary))
    done = in_namespace(script(logs, code, small_disk(logs, "1m")), env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout.splitlines() == ["kept: True {10006}", "kept: ['printed']", "log: True 4", "left: []"]


def test_a_process_on_a_full_disk_writes_elsewhere(tmp_path: Path) -> None:
    logs, temporary = folders(tmp_path)
    code = RUN.replace('print("printed")', "pass")
    fill = f"head -c 2m /dev/zero > '{logs}/filling' 2>/dev/null; true"
    env = clean_env(tmp_path / "home", TMPDIR=str(temporary))
    done = in_namespace(script(logs, code, small_disk(logs, "1m"), f"({fill})"), env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == ["kept: ['process']"] * 3


def test_what_did_not_fit_into_a_log_leaves_no_trace_there(tmp_path: Path) -> None:
    logs, temporary = folders(tmp_path)
    code = FULL.replace("with Capture(folder) as capture:", BEFORE).replace("range(400)", "range(70)")
    env = clean_env(tmp_path / "home", TMPDIR=str(temporary))
    done = in_namespace(script(logs, code, small_disk(logs, "1m")), env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (log,) = done.stdout.splitlines()[-1].removeprefix("left: ['").removesuffix("']").split()
    assert done.stdout.splitlines()[-2] == "before: 2 before"
    assert log.endswith(".log")


def test_a_folder_that_fails_in_two_threads_is_given_up_once(tmp_path: Path) -> None:
    said: list[str] = []
    storage = Storage(tmp_path, said.append)
    barrier = threading.Barrier(2)

    def action(folder: Path) -> Path:
        if folder == tmp_path:
            barrier.wait(20)
            raise OSError("full")
        return folder

    with ThreadPoolExecutor() as pool:
        one, other = pool.map(storage.attempt, [action, action])
    assert one == other is not None
    assert said == [f"groundup: the output of states goes to {one}: full"]
    storage.close()
    assert not Path(str(one)).exists()


def test_a_run_inside_of_another_may_have_nowhere_to_write_to(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with Capture(tmp_path / "outer"), Capture(tmp_path / "file") as inner, inner.of("state") as output:
        print("printed")
    assert output.text() == "printed\n"
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("groundup: the output of states goes to ")
    assert inner.log is not None
    shutil.rmtree(inner.log.parent)


def test_a_temporary_folder_in_which_nothing_stays_is_removed(tmp_path: Path) -> None:
    logs, temporary = folders(tmp_path)
    logs.rmdir()
    logs.write_text("a file")
    code = RUN.replace('print("printed")', "pass").replace('"echo", "process"', '"true"')
    done = python(code, logs, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["kept: []"] * 3 + ["log: None"]
    assert list(temporary.iterdir()) == []
