"""``script run``: a script with what it requires, on the host, in a sandbox, in a container."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from groundup import proto_kernel
from groundup.cli import main
from groundup.execution.container.engine import Engine
from groundup.projects import list_projects
from tests.cli.commands.test_projects import command
from tests.support.background import Background, until
from tests.support.bubblewrap import DOCKERENV, as_in_a_container
from tests.support.containers import TAG, docker, share_facts
from tests.support.holding import HOLD, is_held, is_there
from tests.support.process import run
from tests.support.requirements import require
from tests.support.users import User, requiring, small_index, user, uv, wheels

__all__ = ["docker", "small_index", "user", "uv", "wheels"]

Said = pytest.CaptureFixture[str]


def given(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Let `content` be what stdin has."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.fixture(autouse=True)
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to read."""
    given(monkeypatch, b"")


def test_it_has_the_streams_the_arguments_and_the_exit_code(user: User) -> None:
    source = """
import alpha, os, sys
print(alpha.VERSION, sys.argv[1:], os.getcwd(), os.environ["MODE"], input())
print("err", file=sys.stderr)
sys.exit(3)
"""
    script = str(user.script(requiring("alpha") + source))
    words = command(user, "script", "run", "--env", "MODE=fast", "--cwd", "/", script, "--env", "-x")
    done = run(words, env=user.env, cwd=user.home, stdin="line\n")
    assert (done.returncode, done.stdout, done.stderr) == (3, "1.1 ['--env', '-x'] / fast line\n", "err\n")
    assert list_projects() == []


def test_requirements_are_added_and_inferred(user: User, capsys: Said) -> None:
    script = str(user.script("import alpha, delta; print(alpha.VERSION)"))
    words = ["--with", "alpha<1.1", "--infer", "--override", "delta=beta", "--json"]
    assert main(["script", "run", *words, script]) == 1
    result = json.loads(capsys.readouterr().out)
    assert "No module named 'delta'" in result["stderr"]  # beta has no such module: the override decided
    assert main(["script", "run", "--override", "delta=beta", script]) == 2
    assert "it needs --infer" in capsys.readouterr().err


def test_from_stdin_nothing_is_left_to_read(
    user: User, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, b"import sys; print(repr(sys.stdin.read()), sys.argv[1:])")
    assert main(["script", "run", "-", "x"]) == 0
    assert capfd.readouterr().out == "'' ['x']\n"


@pytest.mark.parametrize("more", [[], ["--infer"]])
def test_a_pipe_is_read_once(more: list[str], user: User, capfd: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "wb") as script:
        script.write(b"import json; print(json.dumps('from a pipe'))")
        script.close()
        assert main(["script", "run", *more, f"/dev/fd/{reading}"]) == 0
    assert capfd.readouterr().out == '"from a pipe"\n'


def test_what_cannot_be_resolved_is_told(user: User, capsys: Said) -> None:
    script = str(user.script(requiring("nonexistent")))
    assert main(["script", "run", script]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: script " in err
    assert "nonexistent" in err
    assert "Traceback" not in err
    assert main(["script", "run", "--json", script]) != 0
    assert json.loads(capsys.readouterr().out)["phase"] == "resolve"


def test_offline_nothing_is_asked_for(
    user: User, capsys: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(proto_kernel.LOG, "offline", False)  # it is set, and has to be as before
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))  # nothing is in it
    asked = len(user.index.requests)
    assert main(["--offline", "script", "run", str(user.script(requiring("alpha")))]) == 1
    assert main(["--offline", "project", "infer", str(user.script("import alpha"))]) == 1
    assert "offline" in capsys.readouterr().err
    assert len(user.index.requests) == asked


def test_it_ends_at_its_timeout(user: User, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, b"import time; print(1); time.sleep(600)")
    assert main(["script", "run", "--timeout", "1", "-"]) == 128 + signal.SIGKILL
    err = capsys.readouterr().err
    assert "did not end within 1." in err
    assert "hint: its output is above" in err


CURIOUS = """
import os, sys
print(os.path.exists(sys.argv[1]), "HOME_SECRET" in os.environ, sys.stdin.read(), len(os.listdir()))
"""


@pytest.mark.parametrize("on", ["sandbox", "container"])
def test_it_is_isolated_where_that_is_asked_for(on: str, user: User, docker: Engine) -> None:
    require(sys.platform == "linux", "Linux")
    share_facts(user)
    key, script = user.home / "key", user.script(CURIOUS)
    key.touch()
    options = ["--image", f"python:{TAG}", "--setting", "inside_container=isolate", "--setting", "pull=never"]
    place = ["--on", on, "--memory", "256m", *(options if on == "container" else [])]
    env = {**user.env, "HOME_SECRET": "x", "DOCKER_HOST": docker.url}
    words = command(user, "script", "run", "--json", *place, str(script), str(key))
    done = run(words, env=env, cwd=user.home, stdin="in")
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert (result["stdout"], result["exit_code"]) == ("False False in 0\n", 0), result
    assert result["environment"] == {"sandbox": "sandbox:bubblewrap", "container": "container:docker"}[on]


def test_memory_is_what_was_given(user: User, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    for memory, code in (("64m", 1), ("1g", 0)):
        given(monkeypatch, b"bytes(2**28)")
        assert main(["script", "run", "--on", "sandbox", "--memory", memory, "-"]) == code


def test_a_container_inside_of_one_is_the_host_said_aloud(user: User) -> None:
    script = str(user.script("print('ran')"))
    words = command(user, "script", "run", "--on", "container", script)
    done = run(as_in_a_container(words, user.home), env=user.env, cwd=user.home)
    assert (done.returncode, done.stdout) == (0, "ran\n"), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"warning: already inside a container ({DOCKERENV}): code runs on this host, not ")
    words[-1:] = ["--setting", "require_isolation=true", script]
    done = run(as_in_a_container(words, user.home), env=user.env, cwd=user.home)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: this process is in a container itself ({DOCKERENV})" in done.stderr
    assert "hint: inside_container='isolate'" in done.stderr


def test_without_an_engine_nothing_runs(user: User, tmp_path: Path) -> None:
    script = str(user.script("print('ran')"))
    nowhere = f"engine=unix://{tmp_path}/nobody.sock"
    where = ["--on", "container", "--setting", nowhere, "--setting", "inside_container=isolate"]
    done = run(command(user, "script", "run", *where, script), env=user.env, cwd=user.home)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: no container engine" in done.stderr


@pytest.mark.parametrize("on", ["host", "sandbox"])
def test_whoever_ends_the_command_ends_the_run(user: User, on: str) -> None:
    held = user.home / "work"
    held.mkdir()
    lock = held / "lock"
    script = user.script(f"{HOLD}\ndaemon(sys.argv[1])\nwait_for(sys.argv[1])\ntime.sleep(600)")
    words = command(user, "script", "run", "--on", on, "--cwd", str(held), str(script), str(lock))
    with Background(words, env={**user.env, "PWD": os.devnull}, cwd=user.home) as running:
        until(partial(is_there, lock), "the daemon")
        running.send(signal.SIGTERM)
        running.wait()
        until(lambda: not is_held(lock), "the end of the daemon", 2)
        assert "Traceback" not in running.stderr


def test_without_a_command_there_is_help(capsys: Said) -> None:
    assert main(["script"]) == 0
    assert "groundup script" in capsys.readouterr().out
