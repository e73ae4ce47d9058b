"""What `gc` removes, and what it leaves alone."""

import json
import os
import sys
import tempfile
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from groundup.execution import ExecutionRuntime
from groundup.execution.container import owner
from groundup.execution.container.engine import Engine
from groundup.execution.garbage import DAY, Garbage, collect_garbage
from groundup.execution.languages import run_step
from groundup.projects import create_project, list_projects
from groundup.projects.environment import Environment
from tests.support.background import Background, until
from tests.support.containers import TAG, docker
from tests.support.languages import write_language, write_step
from tests.support.users import User

__all__ = ["docker"]

runtime = ExecutionRuntime()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, user: User, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of nobody else."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/no-engine")
    return folder


def environments(user: User) -> list[Path]:
    folder = user.data / "cache/environments"
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def last_used(environment: Path, days: float) -> None:
    """Make an environment one that was made and used so many days ago."""
    moment = time.time() - days * DAY
    for path in (environment, environment.parent / ".used" / environment.name):
        os.utime(path, (moment, moment))


def test_an_environment_that_was_not_used_for_long_goes(user: User) -> None:
    runtime.run_script(b"print(1)", requirements=["alpha"])
    (old,) = environments(user)
    runtime.run_script(b"print(1)", requirements=["gamma"])
    (used,) = {*environments(user)} - {old}
    last_used(old, 31)
    last_used(used, 29)
    (found,) = collect_garbage(dry_run=True)
    assert environments(user) == sorted([old, used])
    assert collect_garbage() == [found] == [Garbage("environment", old, found.size)]
    assert found.size > 0
    assert environments(user) == [used]
    assert collect_garbage() == []


def test_a_use_makes_it_young_again(user: User) -> None:
    runtime.run_script(b"print(1)")
    last_used(environments(user)[0], 31)
    runtime.run_script(b"print(1)")
    assert collect_garbage() == []


def test_an_environment_that_is_gone_is_made_again(user: User) -> None:
    runtime.run_script(b"print(1)")
    assert [one.kind for one in collect_garbage(unused_days=0)] == ["environment"]
    assert runtime.run_script(b"print(1)").stdout == "1\n"


def test_an_environment_whose_python_is_gone_goes(user: User) -> None:
    runtime.run_script(b"print(1)")
    (environment,) = environments(user)
    Environment(environment).python.unlink()
    assert [one.path for one in collect_garbage()] == [environment]


def test_an_environment_in_use_stays(user: User, tmp_path: Path) -> None:
    source = "import os, sys, time\nprint('there')\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)"
    heard: list[str] = []
    thread = threading.Thread(
        target=runtime.run_script, args=(source.encode(), tmp_path / "go"), kwargs={"on_stdout": heard.append}
    )
    thread.start()
    until(lambda: heard, "the run")
    assert collect_garbage(unused_days=0) == []
    assert environments(user)
    (tmp_path / "go").touch()
    thread.join()
    assert [one.kind for one in collect_garbage(unused_days=0)] == ["environment"]


def test_what_languages_made_goes_when_no_step_used_it_for_long(user: User) -> None:
    language = write_language(user.home / "lang", install="echo installed", supply="echo supplied")
    step = write_step(user.home / "step")
    run = partial(run_step, step, languages={"lang": language})
    assert [phase.is_cached for phase in run().phases] == [False, False, False]
    made = sorted((user.data / "cache/languages").glob("[is]*/[!.]*"))
    assert [path.parent.name for path in made] == ["install", "supply"]
    assert collect_garbage() == []
    for folder in made:
        last_used(folder, 31)
    last_used(made[1], 29)
    (found,) = collect_garbage(dry_run=True)
    assert (found.kind, found.path) == ("language", made[0])
    assert collect_garbage() == [found]
    assert [path.exists() for path in made] == [False, True]
    assert [phase.is_cached for phase in run().phases] == [False, True, False]


def test_what_a_step_uses_stays(user: User) -> None:
    go = user.home / "go"
    language = write_language(user.home / "lang", run=f"echo there; until [ -e {go} ]; do sleep 0.05; done")
    step = write_step(user.home / "step")
    heard: list[str] = []
    run = partial(run_step, step, languages={"lang": language}, on_stdout=heard.append)
    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: heard, "the step")
    assert collect_garbage(unused_days=0) == []
    go.touch()
    thread.join()
    assert [one.kind for one in collect_garbage(unused_days=0)] == ["language", "language"]


def test_containers_of_a_process_that_is_dead_go(
    user: User, docker: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.url)
    machine = f"test-{os.urandom(8).hex()}"  # else other processes would remove it, too
    monkeypatch.setattr(owner, "_machine", lambda: machine)
    living = owner.Owner.here()
    dead = replace(living, started="1")  # another process had this pid
    made = [
        docker.api.create_container(f"python:{TAG}", "true", labels=one.labels()) for one in (dead, living)
    ]
    names = [docker.api.inspect_container(each)["Name"].lstrip("/") for each in made]
    try:
        found = Garbage("container", Path(names[0]), 0)
        assert collect_garbage(dry_run=True) == collect_garbage() == [found]
        assert collect_garbage() == []
        assert [each["Names"] for each in all_of(docker, machine)] == [[f"/{names[1]}"]]
    finally:
        for name in names:
            docker.remove(name)


def all_of(engine: Engine, machine: str) -> list[dict[str, Any]]:
    """Return the containers of a machine."""
    found: list[dict[str, Any]] = engine.api.containers(
        all=True, filters={"label": f"groundup.machine={machine}"}
    )
    return found


def test_projects_stay(user: User) -> None:
    project = create_project(b"print(1)", id="x")
    os.utime(project.path, (0, 0))
    assert collect_garbage(unused_days=0) == []
    assert list_projects() == [project]


CREATE = """
import signal, sys
from pathlib import Path
from groundup.projects.store import Store
store = Store(Path(sys.argv[1]))
with store.locked("x"), store.staged("x") as folder:
    (folder / "half").write_text("x" * 10_000)
    print("there", flush=True)
    signal.pause()
"""


@pytest.mark.parametrize("room", ["projects", "cache/environments"])
def test_what_a_killed_creator_left_goes_and_what_is_being_made_stays(user: User, room: str) -> None:
    root = user.data / room
    with Background([sys.executable, "-c", CREATE, str(root)], env=user.env, cwd=user.home) as creator:
        until(lambda: creator.stdout, "the half-made folder")
        assert collect_garbage() == []
        assert list((root / ".building/x").iterdir())
    (found,) = collect_garbage(dry_run=True)
    assert (found.kind, found.path) == ("leftover", root / ".building/x")
    assert found.size >= 10_000
    assert collect_garbage() == [found]
    assert not (root / ".building/x").exists()


def test_the_script_of_a_killed_caller_goes(user: User, temporary: Path) -> None:
    caller = """
from groundup.execution import ExecutionRuntime
ExecutionRuntime().run_script(b"import time; print(1, flush=True); time.sleep(600)", on_stdout=print)
"""
    env = {**user.env, "TMPDIR": str(temporary)}
    with Background([sys.executable, "-u", "-c", caller], env=env, cwd=user.home) as run:
        until(lambda: run.stdout, "the run")
        (left,) = temporary.glob("groundup-script-*")
        os.utime(left, (0, 0))
        assert collect_garbage() == []
    assert [one.path for one in collect_garbage()] == [left]
    assert not left.exists()


def test_what_another_one_named_alike_stays(temporary: Path) -> None:
    (temporary / "groundup-script-file").write_text("not a folder")
    os.utime(temporary / "groundup-script-file", (0, 0))
    (temporary / "groundup-script-link").symlink_to("/")
    (temporary / "groundup-script-new").mkdir()
    assert collect_garbage() == []
    assert len(list(temporary.iterdir())) == 3


def test_old_answers_of_an_index_go(user: User) -> None:
    for room, age in (("inference", 31), ("evidence", 31), ("evidence", 29)):
        file = user.data / "cache" / room / f"{age}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps([]))
        os.utime(file, (time.time() - age * DAY,) * 2)
    assert [(one.kind, one.path.parent.name) for one in collect_garbage()] == [
        *(("cache", "inference"), ("cache", "evidence")),
    ]
    assert (user.data / "cache/evidence/29.json").exists()


def test_what_shares_its_bytes_frees_none(user: User) -> None:
    runtime.run_script(b"print(1)", requirements=["alpha"])
    (environment,) = environments(user)
    for number, file in enumerate(path for path in environment.rglob("*") if path.is_file()):
        os.link(file, user.home / str(number))
    (found,) = collect_garbage(unused_days=0)
    assert found.size == 0
