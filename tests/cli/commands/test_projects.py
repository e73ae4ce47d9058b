"""``project create|list|show|run|remove|gc``."""

from __future__ import annotations

import io
import json
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

from groundup.cli import main
from groundup.projects import create_project, get_project, list_projects
from tests.support.background import Background, until
from tests.support.holding import HOLD, is_held, is_there
from tests.support.process import run
from tests.support.users import User, requiring, small_index, user, uv, wheels

__all__ = ["small_index", "user", "uv", "wheels"]

Said = pytest.CaptureFixture[str]


def command(user: User, *words: str) -> list[str]:
    """Return the command `python -m groundup words…`."""
    return [sys.executable, "-I", "-m", "groundup", *words]


def given(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Let `content` be what stdin has."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_create_says_where_it_is_and_what_takes_long(user: User, capsys: Said) -> None:
    script = user.script(requiring("alpha") + "print(1)")
    assert main(["project", "create", str(script)]) == 0
    out, err = capsys.readouterr()
    assert out == f"hello  {user.data / 'projects/hello'}\n"
    assert err.splitlines() == [
        "groundup: resolving what project 'hello' requires",
        "groundup: installing what project 'hello' requires",
    ]


def test_create_as_json(user: User, capsys: Said) -> None:
    script = user.script("print(1)")
    assert (
        main(["project", "create", str(script), "--id", "x", "--with", "alpha", "--with", "gamma", "--json"])
        == 0
    )
    project = get_project("x")
    assert json.loads(capsys.readouterr().out) == {
        "id": "x",
        "path": str(project.path),
        "requirements": ["alpha", "gamma"],
        "python": {"path": str(project.python), "version": ".".join(map(str, sys.version_info[:3]))},
        "packages": [{"name": "alpha", "version": "1.1"}, {"name": "gamma", "version": "1.0"}],
        "works": True,
    }


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfprint(1)\r\n", b"# coding: latin-1\nprint('\xe4')\n"])
def test_create_from_stdin(user: User, monkeypatch: pytest.MonkeyPatch, capsys: Said, content: bytes) -> None:
    given(monkeypatch, content)
    assert main(["project", "create", "-", "--id", "x"]) == 0
    assert get_project("x").script.read_bytes() == content
    given(monkeypatch, content)
    assert main(["project", "create", "-"]) == 2
    assert "has no name" in capsys.readouterr().err


def test_create_with_what_is_imported(user: User) -> None:
    script = user.script("import alpha, delta")
    words = ["project", "create", str(script), "--infer", "--with", "gamma", "--override", "delta=beta"]
    assert main(words) == 0
    assert get_project("hello").requirements == ("gamma", "alpha", "beta")


def test_an_override_without_inference_is_refused(user: User, capsys: Said) -> None:
    assert main(["project", "create", str(user.script("")), "--override", "a=b"]) == 2
    assert "needs --infer" in capsys.readouterr().err


def test_a_taken_id_needs_force(user: User, capsys: Said) -> None:
    script = str(user.script("print(1)"))
    assert main(["project", "create", script]) == 0
    assert main(["project", "create", script]) == 2
    assert "force" in capsys.readouterr().err
    assert main(["project", "create", script, "--force"]) == 0


def test_what_cannot_be_resolved_is_told(user: User, capsys: Said) -> None:
    assert main(["project", "create", str(user.script(requiring("nonexistent")))]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: cannot resolve what project 'hello' requires" in err
    assert "Traceback" not in err


def test_the_second_creator_says_that_it_waits(user: User) -> None:
    lock = user.home / "lock"
    hold = f"""{HOLD}
from pathlib import Path
from groundup.projects.project import project_store
with project_store().locked("hello"):
    hold({str(lock)!r})
"""
    with Background([sys.executable, "-c", hold], env=user.env, cwd=user.home) as holder:
        until(partial(is_there, lock), "the lock")
        script = str(user.script("print(1)"))
        with Background(command(user, "project", "create", script), env=user.env, cwd=user.home) as second:
            second.wait_for_stderr("groundup: waiting for another process that changes project 'hello'")
            holder.kill()
            assert second.wait() == 0


def test_list(user: User, capsys: Said) -> None:
    assert main(["project", "list"]) == 0
    assert capsys.readouterr().out == ""
    create_project(b"", id="longer", requirements=["alpha", "gamma"])
    create_project(b"", id="a")
    assert main(["project", "list"]) == 0
    assert capsys.readouterr().out == "a\nlonger  alpha gamma\n"
    assert main(["project", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"id": "a", "path": str(user.data / "projects/a"), "requirements": []},
        {"id": "longer", "path": str(user.data / "projects/longer"), "requirements": ["alpha", "gamma"]},
    ]


def test_a_damaged_project_does_not_hide_the_others(user: User, capsys: Said) -> None:
    broken = create_project(b"", id="broken")
    (broken.path / "pyproject.toml").unlink()
    create_project(b"", id="whole", requirements=["alpha"])
    assert main(["project", "list"]) == 0
    assert capsys.readouterr().out == "broken  (is damaged)\nwhole   alpha\n"
    assert main(["project", "list", "--json"]) == 0
    assert [row["requirements"] for row in json.loads(capsys.readouterr().out)] == [None, ["alpha"]]
    assert main(["project", "show", "broken"]) == 1
    assert capsys.readouterr().err.startswith("error: project 'broken' is damaged: ")


def test_show(user: User, capsys: Said) -> None:
    project = create_project(b"", id="x", requirements=["beta"])
    assert main(["project", "show", "x"]) == 0
    version = ".".join(map(str, sys.version_info[:3]))
    assert capsys.readouterr().out.splitlines() == [
        "id            x",
        f"path          {project.path}",
        f"python        {version}",
        "requirements  beta",
        "package       alpha 1.1",
        "package       beta 1.0",
    ]
    project.python.unlink()
    assert main(["project", "show", "x"]) == 0
    assert f"python        {version}  (is gone)" in capsys.readouterr().out


def test_an_unknown_project_is_told(user: User, capsys: Said) -> None:
    create_project(b"", id="report")
    for words in (["show", "reprot"], ["run", "reprot"], ["remove", "report", "reprot"]):
        assert main(["project", *words]) == 2
        assert "did you mean 'report'?" in capsys.readouterr().err
    assert [project.id for project in list_projects()] == ["report"]


def test_run_has_the_streams_the_arguments_and_the_exit_code(user: User) -> None:
    source = """
import os, sys
print(sys.argv[1:], os.getcwd(), os.environ["MODE"], input())
sys.stdout.flush()
sys.stdout.buffer.write(b"\\xff")
print("err", file=sys.stderr)
sys.exit(3)
"""
    create_project(source.encode(), id="x")
    words = command(user, "project", "run", "--env", "MODE=fast", "--cwd", "/", "x", "--env", "-x", "--", "y")
    done = run(words, env=user.env, cwd=user.home, stdin="line\n")
    assert done.returncode == 3
    assert done.stdout.replace("\ufffd", "?") == "['--env', '-x', '--', 'y'] / fast line\n?"
    assert done.stderr == "err\n"


def test_run_as_json(user: User, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    create_project(
        b"import sys; print(input()); sys.stdout.flush(); sys.stdout.buffer.write(b'\\xff'); sys.exit(3)",
        id="x",
    )
    given(monkeypatch, b"line\n")
    assert main(["project", "run", "--json", "x"]) == 3
    result = json.loads(capsys.readouterr().out)
    assert result.pop("duration") > 0
    assert result.pop("environment").startswith("host:")
    assert result == {"exit_code": 3, "stdout": "line\n?", "stderr": "", "phase": "run"}


def test_run_ends_at_its_timeout_and_by_signals(
    user: User, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_project(b"import os, sys, time\nif sys.argv[1:]: os.kill(os.getpid(), 9)\ntime.sleep(600)", id="x")
    given(monkeypatch, b"")
    assert main(["project", "run", "--timeout", "1", "x"]) == 128 + signal.SIGKILL
    assert "project 'x' did not end within 1." in capsys.readouterr().err
    given(monkeypatch, b"")
    assert main(["project", "run", "x", "now"]) == 128 + signal.SIGKILL
    assert "project 'x' was ended by SIGKILL" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--env", "MODE"], ["--timeout", "0"], ["--cwd", "/no/such"]])
def test_bad_options_are_told(user: User, words: list[str], capsys: Said) -> None:
    create_project(b"", id="x")
    assert main(["project", "run", *words, "x"]) == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whoever_ends_the_command_ends_the_run(user: User, number: signal.Signals) -> None:
    create_project(f"{HOLD}\ndaemon(sys.argv[1])\nwait_for(sys.argv[1])\ntime.sleep(600)".encode(), id="x")
    lock = user.home / "lock"
    with Background(command(user, "project", "run", "x", str(lock)), env=user.env, cwd=user.home) as running:
        until(partial(is_there, lock), "the daemon")
        running.send(number)
        running.wait()
        until(lambda: not is_held(lock), "the end of the daemon", 2)
        assert "Traceback" not in running.stderr


def test_a_reader_that_goes_away_ends_the_run(user: User) -> None:
    create_project(b"while True: print('x' * 1000)", id="x")
    shell = f"{' '.join(command(user, 'project', 'run', 'x'))} | head -c 5"
    done = run(["/bin/sh", "-c", shell], env=user.env, cwd=user.home)
    assert (done.stdout, done.stderr) == ("xxxxx", "")


def test_remove(user: User) -> None:
    for name in ("a", "b", "c"):
        create_project(b"", id=name)
    assert main(["project", "remove", "a", "c", "a"]) == 0
    assert [project.id for project in list_projects()] == ["b"]


def test_gc(user: User, capsys: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # others may have left something in the real one
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine")
    left = user.data / "projects/.building/x/0"
    left.mkdir(parents=True)
    (left / "half").write_text("x" * 2**20)
    (row,) = json.loads(_out(["project", "gc", "--dry-run", "--json"], capsys))
    assert (row["kind"], row["path"]) == ("leftover", str(left.parent))
    assert _out(["project", "gc", "--dry-run"], capsys).endswith("\nwould free 1.0 MiB\n")
    assert _out(["project", "gc"], capsys) == f"leftover       1.0 MiB  {left.parent}\nfreed 1.0 MiB\n"
    assert _out(["project", "gc", "--unused-days", "1", "--json"], capsys) == "[]\n"
    assert not Path(left).exists()


def _out(words: list[str], capsys: Said) -> str:
    assert main(words) == 0
    return capsys.readouterr().out
