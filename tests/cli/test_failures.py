"""Every failure is told in one line and a hint, with the right exit code, and never as a traceback."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from groundup import proto_kernel
from groundup.cli.failures import guarded
from groundup.dag import Runner, StateGraph
from groundup.errors import GroundupError, UserError
from tests.dag.graphs import named
from tests.support.neo import Neo


def raising(error: BaseException) -> Callable[[], int]:
    def action() -> int:
        raise error

    return action


def reaching(error: Exception) -> Callable[[], int]:
    """Return an action that reaches a state which raises `error`."""

    def action() -> int:
        with Runner(StateGraph([named("broken", does=lambda **_: raising(error)())])) as runner:
            runner.reach("broken").raise_for_failure()
        return 0

    return action


@pytest.fixture
def log_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this user's log files, outside of any kernel's environment."""
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    for name in ("XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_command_that_works_gives_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: 3) == 3
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GroundupError("it broke", hint="mend it"), 1),
        (UserError("it broke", hint="mend it"), 2),
        (GroundupError("it broke", hint="mend it", exit_code=42), 42),
        (proto_kernel.KernelError("it broke", "mend it", 2), 2),
    ],
)
def test_our_own_errors_are_error_and_hint(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    assert guarded(raising(error)) == code
    assert capsys.readouterr() == ("", "error: it broke\nhint: mend it\n")


def test_an_interrupt_says_that_a_rerun_continues(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "error: interrupted\nhint: run the same command again: it continues\n"


def test_secrets_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(raising(GroundupError("no answer from https://user:password@index.example/simple/")))
    assert "password" not in capsys.readouterr().err


@pytest.mark.parametrize("make", [raising, reaching])
def test_the_unexpected_is_one_line_and_a_log_file(
    capsys: pytest.CaptureFixture[str], log_home: Path, make: Callable[[Exception], Callable[[], int]]
) -> None:
    assert guarded(make(ValueError("https://user:password@index.example is odd"))) == 1
    told, hint = capsys.readouterr().err.splitlines()
    assert "ValueError: https://***@index.example is odd" in told
    path = re.fullmatch(r"hint: everything about it is in (.+\.log)", hint)
    assert path
    log = Path(path[1])
    assert log_home in log.parents
    text = log.read_text(encoding="utf-8")
    for part in ("Traceback", __file__, "groundup ", sys.version, "command "):
        assert part in text
    assert "password" not in text


def test_a_log_goes_to_the_repository_that_the_environment_belongs_to(neo: Neo) -> None:
    code = "from groundup.cli.failures import guarded\nguarded(lambda: 1 / 0)"
    done = neo.run(neo.python(code))
    assert done.stderr.startswith("error: unexpected ZeroDivisionError: division by zero\nhint: ")
    assert any(str(log) in done.stderr for log in (neo.repo / ".groundup/logs").iterdir())


def test_a_log_that_cannot_be_written_there_goes_elsewhere(
    capsys: pytest.CaptureFixture[str], log_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_home.write_text("a file where the folder should be")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert guarded(raising(ValueError("x"))) == 1
    assert [path.suffix for path in tmp_path.glob("*.log")] == [".log"]


def test_a_reader_that_went_away_is_no_failure(neo: Neo) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        command = neo.module("graph")
        done = subprocess.run(
            command, env=neo.env, stdout=gone, stderr=subprocess.PIPE, check=False, cwd=neo.repo
        )
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_nowhere(neo: Neo, stream: str) -> None:
    done = neo.run(["sh", "-c", f'exec "$@" {stream}', "sh", *neo.module("graph")])
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (" >" not in f" {stream}")


@pytest.mark.parametrize("words", [["graph"], ["script", "run", "big.py"]])
def test_a_full_disk_under_stdout_is_told(neo: Neo, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "big.py").write_text("print('x' * 100_000)")
    done = neo.run(["sh", "-c", 'exec "$@" > /dev/full', "sh", *neo.module(*words)], cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: stdout: No space left on device\nhint: ")
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("words", [["project", "create", "hello.py"], ["init"]])
def test_a_working_folder_that_was_removed_is_told(neo: Neo, words: list[str], tmp_path: Path) -> None:
    removed = ["sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh", *neo.script(*words)]
    done = neo.run(removed, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: the working folder was removed\nhint: change to another one\n"


def test_a_log_is_written_from_a_folder_that_was_removed(neo: Neo, tmp_path: Path) -> None:
    code = (
        "import os; from groundup.cli.failures import guarded; os.rmdir(os.getcwd()); guarded(lambda: 1 / 0)"
    )
    (tmp_path / "gone").mkdir()
    done = neo.run(neo.python(code), cwd=tmp_path / "gone")
    assert done.stderr.startswith("error: unexpected ZeroDivisionError: division by zero\nhint: ")
    assert "Traceback" not in done.stderr


def test_output_that_the_terminal_cannot_show_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(shown, encoding="ascii"))
    assert guarded(lambda: print("✓ ready") or 0) == 0
    assert shown.getvalue() == b"\\u2713 ready\n"
