"""Folders as they are in the wild: removed, linked, mounted, oddly named, in the way, of another user."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.kernel.configuring import effective
from tests.kernel.conftest import Ready
from tests.support.errors import told
from tests.support.mounts import in_namespace, kernel_words
from tests.support.process import describe, run, run_kernel
from tests.support.repositories import bare_repository, repository, write
from tests.support.trees import facts, wait_until_settled

IMPORTS = ("run", "--", "python", "-IB", "-c", "import alpha, demo; print('works')")


# ── the current folder was removed ───────────────────────────────────────────────────────────────────


def in_removed_folder(
    tmp_path: Path, *words: str, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder that is removed just before."""
    (tmp_path / "gone").mkdir()
    return run(["sh", "-c", 'rmdir ../gone; exec "$@"', "sh", *words], env=env, cwd=tmp_path / "gone")


def test_a_cold_boot_needs_no_current_folder(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["alpha"])
    words = (sys.executable, str(repo / "proto_kernel.py"), "boot")
    done = in_removed_folder(tmp_path, *words, env=env)
    assert done.returncode == 0, describe(done)
    assert run_kernel(repo, *IMPORTS, env=env).stdout == "works\n"


@pytest.mark.parametrize(
    "words", [["run", "echo", "answered"], ["config"], ["check"], ["--help"]], ids=" ".join
)
def test_a_command_needs_no_current_folder(tmp_path: Path, ready: Ready, words: list[str]) -> None:
    kernel = (sys.executable, str(ready.repo / "proto_kernel.py"))
    done = in_removed_folder(tmp_path, *kernel, *words, env=ready.env)
    assert (done.returncode, done.stderr) == (0, ""), describe(done)
    assert done.stdout


def test_an_entry_script_can_ask_without_a_current_folder(tmp_path: Path, ready: Ready) -> None:
    script = write(
        tmp_path,
        "ask.py",
        f"""
        import sys
        sys.path.append({str(ready.repo)!r})
        import proto_kernel

        print(proto_kernel.get_config()["root"])
        """,
    )
    done = in_removed_folder(tmp_path, sys.executable, str(script), env=ready.env)
    assert (done.returncode, done.stdout) == (0, f"{ready.repo}\n"), describe(done)


def test_an_error_stays_an_error_in_a_removed_folder(tmp_path: Path, ready: Ready) -> None:
    kernel = (sys.executable, str(ready.repo / "proto_kernel.py"))
    done = in_removed_folder(tmp_path, *kernel, "run", "./nothing", env=ready.env)
    assert "./nothing" in told(done, 127).error


# ── an environment behind a link ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("made", [True, False], ids=["empty folder", "nothing yet"])
def test_a_link_to_a_larger_disk_stays_and_the_environment_is_behind_it(
    tmp_path: Path, env: dict[str, str], made: bool
) -> None:
    repo, behind = repository(tmp_path / "repo", dependencies=["alpha"]), tmp_path / "large/env"
    behind.parent.mkdir()
    if made:
        behind.mkdir()
    (repo / ".venv").symlink_to("../large/env")
    for command in ("boot", "boot", "reboot", "boot"):
        run_kernel(repo, command, env=env, check=True)
        assert (repo / ".venv").readlink() == Path("../large/env")
        assert (behind / "pyvenv.cfg").is_file()
    assert run_kernel(repo, *IMPORTS, env=env).stdout == "works\n"
    assert [path.name for path in repo.iterdir() if path.name.startswith(".venv")] == [".venv"]
    assert {path.name for path in behind.parent.iterdir()} == {"env", "env.lock"}


def test_a_link_that_is_turned_elsewhere_leads_to_a_new_environment(
    tmp_path: Path, env: dict[str, str]
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["alpha"])
    for name in ("first", "second", "first"):
        (repo / ".venv").unlink(missing_ok=True)
        (repo / ".venv").symlink_to(tmp_path / name)
        done = run_kernel(repo, "run", "--", "python", "-c", "import alpha, sys; print(sys.prefix)", env=env)
        assert done.stdout == f"{tmp_path / name}\n", describe(done)


# ── an environment on a mount point, as the volume of a container ────────────────────────────────────


def test_an_environment_that_is_a_mount_point_is_built_and_rebuilt(
    tmp_path: Path, env: dict[str, str]
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["alpha"])
    (repo / ".venv").mkdir()
    commands = [kernel_words(repo, *words) for words in (["boot"], ["boot"], ["reboot"], ["boot"], IMPORTS)]
    mount = f"mount -t tmpfs none {shlex.quote(str(repo / '.venv'))}"
    done = in_namespace(" && ".join([mount, *commands]), env=env, cwd=repo)
    assert (done.returncode, done.stdout) == (0, "works\n"), describe(done)
    assert list((repo / ".venv").iterdir()) == [], "all of it is on the mounted disk"


# ── odd names ────────────────────────────────────────────────────────────────────────────────────────

ODD = ["a[b]", "a #1", "${HOME}x", "a b", "ü", "100%25", "-a", "a;b", "'a\"", "a@b", "a?b", "~a"]


@pytest.mark.parametrize(
    ("name", "editable"),
    [*((name, True) for name in ODD), *((name, False) for name in [*ODD, "two\nlines"])],
    ids=ascii,
)
def test_a_repository_may_stand_in_a_folder_of_any_name(
    tmp_path: Path, env: dict[str, str], name: str, editable: bool
) -> None:
    entry = f'projects = [{{ path = ".", editable = {str(editable).lower()} }}]\n'
    repo = repository(tmp_path / name / "repo", dependencies=["alpha"], configuration=entry)
    for _ in range(2):
        done = run_kernel(repo, *IMPORTS, env=env)
        assert (done.returncode, done.stdout) == (0, "works\n"), describe(done)
    assert (repo / "requirements.lock").is_file()


@pytest.mark.parametrize("name", ["a[b]", "a #1", "${HOME}x", "a b"], ids=ascii)
def test_so_may_a_workspace(tmp_path: Path, env: dict[str, str], name: str) -> None:
    tool = {"uv": {"workspace": {"members": ["packages/*"]}}}
    repo = repository(tmp_path / name / "repo", dependencies=["alpha"], tool=tool)
    done = run_kernel(repo, *IMPORTS, env=env)
    assert (done.returncode, done.stdout) == (0, "works\n"), describe(done)
    assert (repo / "uv.lock").is_file()


def test_a_name_that_no_search_path_can_hold_is_an_error_at_once(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "a:b/repo")
    before = facts(repo)
    error, hint = told(run_kernel(repo, "boot", env=env), 2)
    assert str(repo / ".venv") in error and "':'" in error
    assert "venv" in hint
    assert facts(repo) == before
    write(repo, "groundup.toml", f'venv = "{tmp_path / "elsewhere"}"\n')
    done = run_kernel(repo, "run", "--", "python", "-c", "import demo; print('works')", env=env)
    assert (done.returncode, done.stdout) == (0, "works\n"), describe(done)


def test_a_line_break_above_an_editable_project_is_an_error_at_once(
    tmp_path: Path, env: dict[str, str]
) -> None:
    repo = repository(tmp_path / "two\nlines/repo")
    before = facts(repo)
    error, hint = told(run_kernel(repo, "boot", env=env), 2)
    assert "line break" in error
    assert "editable = false" in hint
    assert facts(repo) == before


# ── dates in the future ──────────────────────────────────────────────────────────────────────────────


def test_a_file_from_the_future_does_not_make_every_start_cold(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["alpha"])
    future = 4_000_000_000
    os.utime(repo / "pyproject.toml", (future, future))
    run_kernel(repo, "boot", env=env, check=True)
    wait_until_settled(repo)
    run_kernel(repo, "boot", env=env, check=True)
    before = facts(repo)
    run_kernel(repo, "boot", env=env, check=True)
    assert facts(repo) == before, "a warm start writes nothing"
    write(repo, "pyproject.toml", (repo / "pyproject.toml").read_text().replace("alpha", "gamma"))
    os.utime(repo / "pyproject.toml", (future, future))
    run_kernel(repo, "run", "--", "python", "-c", "import gamma", env=env, check=True)


# ── something else in the way ────────────────────────────────────────────────────────────────────────

FILES = ["groundup.toml", "pyproject.toml", ".python-version"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("target", ["nowhere", "itself"])
def test_a_link_to_nowhere_is_not_taken_for_a_missing_file(
    tmp_path: Path, env: dict[str, str], name: str, target: str
) -> None:
    repo = repository(tmp_path / "repo")
    (repo / name).unlink(missing_ok=True)
    (repo / name).symlink_to(name if target == "itself" else "nowhere")
    assert str(repo / name) in told(run_kernel(repo, "boot", env=env), 1).error
    assert not (repo / ".venv").exists()


@pytest.mark.parametrize("name", [*FILES, "requirements.lock"])
def test_a_folder_where_a_file_is_read_is_named(tmp_path: Path, env: dict[str, str], name: str) -> None:
    repo = repository(tmp_path / "repo")
    (repo / name).unlink(missing_ok=True)
    (repo / name).mkdir()
    error, _ = told(run_kernel(repo, "boot", env=env), 1)
    assert f"{repo / name}:" in error, "the file that is meant, not a temporary one beside it"


def test_an_environment_that_is_a_file_is_an_error_that_says_so(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo")
    file = write(repo, ".venv", "mine\n")
    done = run_kernel(repo, "boot", env=env)
    error, hint = told(done, done.returncode)
    assert str(file) in error and done.returncode in (1, 2)
    assert "move" in hint
    assert file.read_text() == "mine\n"


def test_an_environment_that_is_no_venv_is_named_without_a_place_that_does_not_exist(
    tmp_path: Path, env: dict[str, str]
) -> None:
    repo = repository(tmp_path / "repo")
    file = write(repo, ".venv/notes.txt", "mine\n")
    assert told(run_kernel(repo, "boot", env=env), 2).error == f"{repo / '.venv'} exists and is no venv"
    assert file.read_text() == "mine\n"
    own = write(repo, "groundup.toml", 'projects = []\nvenv = "folder"\n')
    shutil.move(repo / ".venv", repo / "folder")
    assert told(run_kernel(repo, "boot", env=env), 2).error.startswith(f"{own}:2: {repo / 'folder'} ")


def test_an_environment_of_another_tool_is_not_replaced_without_a_word(
    tmp_path: Path, env: dict[str, str]
) -> None:
    repo = repository(tmp_path / "repo")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", repo / ".venv"], check=True)
    done = run_kernel(repo, "check", env=env)
    assert done.stdout == f"not ready: {repo / '.venv'} would be replaced: groundup did not build it\n"
    done = run_kernel(repo, "boot", env=env, check=True)
    assert f"replacing {repo / '.venv'}, which groundup did not build" in done.stderr


def test_a_home_that_holds_no_cache_is_an_error_that_names_the_way_out(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo")
    home = write(tmp_path, "home", "a file\n")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    error, hint = told(run_kernel(repo, "boot", env=env), 1)
    assert str(home) in error
    assert hint
    assert effective(repo, env=env)["root"] == str(repo), "looking needs no cache"
