"""The warm path: a few stat calls, then exec. No import, no child process, no uv, no network, no write."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.kernel.conftest import Ready
from tests.support.process import clean_env, interpreters, run, run_kernel
from tests.support.repositories import repository, write
from tests.support.trees import facts, wait_until_settled
from tests.support.uv import watched_uv

AUDITED = [version for version in interpreters() if tuple(map(int, version.split("."))) >= (3, 8)]
CHECK = ["run", "--", "python", "-IB", "-c", "import beta, demo"]

# Imported by every interpreter at its start; writes down what the program then does to the world.
WATCH = """
    import os, sys

    fd = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    changing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    harmless = ("os.listdir", "os.scandir", "os.walk", "os.fspath", "os.add_dll_directory")

    def watch(event, arguments):
        writes = event == "open" and (not isinstance(arguments[2], int) or arguments[2] & changing)
        acts = event.startswith(("os.", "subprocess.", "socket.", "shutil.", "tempfile.", "fcntl."))
        if writes or (acts and event not in harmless):
            os.write(fd, ("%s %r\\n" % (event, arguments)).encode("utf-8", "backslashreplace"))

    sys.addaudithook(watch)
"""

# An entry script whose byte code does not count: it belongs to Python, and is there from the second start on.
SCRIPT = """
    import os, sys
    sys.dont_write_bytecode = True
    sys.path.append({folder!r})
    import proto_kernel
    proto_kernel.start_app("demo:main")
"""


def deeds(ready: Ready, folder: Path, *command: str) -> list[str]:
    """Return what `command` did to the world up to its exec, which is the last of them."""
    log = folder / "deeds"
    write(folder, "watch/sitecustomize.py", WATCH.format(log=str(log)))
    log.unlink(missing_ok=True)
    run([*command], env={**ready.env, "PYTHONPATH": str(folder / "watch")}, cwd=ready.repo, check=True)
    return log.read_text().splitlines()


def imported(python: Path, ready: Ready, *arguments: str) -> set[str]:
    """Return the modules that an interpreter imports until it ends or becomes something else."""
    done = run([str(python), "-v", *arguments], env=ready.env, cwd=ready.repo, check=True)
    return set(re.findall(r"^import '?([\w.]+)'? #", done.stderr, re.MULTILINE))


@pytest.mark.parametrize("version", interpreters())
def test_nothing_is_imported_but_os_and_sys(ready: Ready, tmp_path: Path, version: str) -> None:
    python = interpreters()[version]
    reference = write(tmp_path, "reference.py", "import os\nimport sys\n")
    kernel = imported(python, ready, str(ready.repo / "proto_kernel.py"), "run", "true")
    assert kernel - imported(python, ready, str(reference)) == set()


@pytest.mark.parametrize("version", interpreters())
def test_an_entry_script_imports_nothing_but_the_kernel(ready: Ready, tmp_path: Path, version: str) -> None:
    python = interpreters()[version]
    reference = write(tmp_path, "reference.py", "import os\nimport sys\n")
    script = write(tmp_path, "script.py", SCRIPT.format(folder=str(ready.repo)))
    done = imported(python, ready, str(script)) - imported(python, ready, str(reference))
    assert done == {"proto_kernel"}


@pytest.mark.parametrize("version", AUDITED)
def test_a_run_does_nothing_to_the_world_but_exec(ready: Ready, tmp_path: Path, version: str) -> None:
    done = deeds(
        ready, tmp_path, str(interpreters()[version]), str(ready.repo / "proto_kernel.py"), "run", "true"
    )
    assert {line.split()[0] for line in done} == {"os.exec"}, done


@pytest.mark.parametrize("version", AUDITED)
def test_a_start_of_an_app_does_nothing_to_the_world_but_exec(
    tmp_path: Path, version: str, ready: Ready
) -> None:
    script = write(tmp_path, "script.py", SCRIPT.format(folder=str(ready.repo)))
    done = deeds(ready, tmp_path, str(interpreters()[version]), str(script))
    assert {line.split()[0] for line in done} == {"os.exec"}, done


def test_the_tree_the_home_and_the_caches_stay_as_they_were(ready: Ready) -> None:
    places = (ready.repo, Path(ready.env["HOME"]), Path(ready.env["GROUNDUP_HOME"]))
    before = facts(*places)
    run_kernel(ready.repo, *CHECK, env=ready.env, check=True)
    assert facts(*places) == before


def test_neither_uv_nor_caches_nor_an_index_are_needed(ready: Ready, tmp_path: Path) -> None:
    bare = {
        **ready.env,
        "GROUNDUP_HOME": str(tmp_path / "nothing"),
        "UV_CACHE_DIR": str(tmp_path / "nothing"),
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
    }
    done = run_kernel(ready.repo, *CHECK, env=bare, check=True)
    assert done.stderr == ""
    assert not (tmp_path / "nothing").exists()


@pytest.fixture
def own(tmp_path: Path, env: dict[str, str]) -> Ready:
    """A repository that is ready and warm, for one test alone, built by a watched uv."""
    repo = repository(
        tmp_path / "repo", configuration='commands.hello = ["echo", "hello"]\n', dependencies=["beta"]
    )
    own = Ready(repo, watched_uv(tmp_path / "uv").env(env))
    run_kernel(repo, "boot", env=own.env, check=True)
    warm_up(own)
    return own


def warm_up(own: Ready) -> None:
    wait_until_settled(own.repo)
    run_kernel(own.repo, "run", "true", env=own.env, check=True)


def uv_calls(own: Ready) -> int:
    """Return how often the watched uv was called so far."""
    return len((own.repo.parent / "uv/calls").read_text().splitlines())


def is_warm(own: Ready, folder: Path) -> bool:
    """Return whether a run now takes the warm path."""
    done = deeds(own, folder, sys.executable, str(own.repo / "proto_kernel.py"), "run", "true")
    return {line.split()[0] for line in done} == {"os.exec"}


@pytest.mark.parametrize("file", ["pyproject.toml", "groundup.toml", "requirements.lock", "proto_kernel.py"])
def test_what_was_touched_is_compared_by_content_and_warm_again(
    own: Ready, tmp_path: Path, file: str
) -> None:
    assert is_warm(own, tmp_path)
    (own.repo / file).touch()
    assert not is_warm(own, tmp_path)
    before = uv_calls(own)
    done = run_kernel(own.repo, *CHECK, env=own.env, check=True)
    assert (done.stderr, uv_calls(own)) == ("", before)
    assert not is_warm(own, tmp_path), "what was touched shortly before the stamp may have changed since"
    warm_up(own)
    assert is_warm(own, tmp_path)
    assert uv_calls(own) == before


def test_a_restored_time_does_not_hide_a_change(own: Ready) -> None:
    file = own.repo / "groundup.toml"
    stat = file.stat()
    file.write_text(file.read_text().replace('"hello"]', '"hallo"]'))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert run_kernel(own.repo, "hello", env=own.env, check=True).stdout == "hallo\n"


def test_a_change_in_the_instant_after_the_build_is_seen(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", configuration='commands.hello = ["echo", "0"]\n')
    for number in range(1, 6):
        run_kernel(repo, "run", "true", env=env, check=True)
        write(repo, "groundup.toml", f'commands.hello = ["echo", "{number}"]\n')
        assert run_kernel(repo, "hello", env=env, check=True).stdout == f"{number}\n"


def test_a_file_that_appears_leaves_the_warm_path(own: Ready) -> None:
    write(own.repo, ".python-version", "2.7\n")
    assert run_kernel(own.repo, "run", "true", env=own.env).returncode == 2


@pytest.mark.parametrize("removed", [".venv", ".venv/groundup-stamp", ".venv/bin/python", ".venv/pyvenv.cfg"])
def test_what_was_removed_is_built_again(own: Ready, removed: str) -> None:
    path = own.repo / removed
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    run_kernel(own.repo, *CHECK, env=own.env, check=True)


def test_another_interpreter_behind_the_link_is_seen(tmp_path: Path, fetched: None) -> None:
    repo = repository(tmp_path / "repo")
    env = clean_env(tmp_path / "home")
    run_kernel(repo, "boot", env=env, check=True)
    warm_up(Ready(repo, env))
    python = repo / ".venv/bin/python"
    other = next(p for v, p in interpreters().items() if v not in {"3.6", "3.7"} and p != python.resolve())
    python.unlink()
    python.symlink_to(other)
    done = run_kernel(
        repo, "run", "python", "-I", "-c", "import demo, sys; print(sys.prefix)", env=env, check=True
    )
    assert done.stdout == f"{repo / '.venv'}\n"
