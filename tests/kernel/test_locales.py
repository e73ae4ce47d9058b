"""Letters of the world where the system's encoding is not UTF-8, as in cron, containers and old locales."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kernel.configuring import effective
from tests.support.errors import told
from tests.support.process import describe, interpreters, run, run_kernel
from tests.support.repositories import repository, write
from tests.support.requirements import require

OLDEST, NEWEST = next(iter(interpreters())), list(interpreters())[-1]
LETTERS = "ü 日本"
CONFIGURATION = f"""
    venv = "umgebung {LETTERS}"
    commands.say = ["printf", "%s", "{LETTERS} \\u00e9"]
    neo.text = "{LETTERS}"
"""


def latin_1(folder: Path) -> dict[str, str]:
    """Make a locale whose encoding is ISO 8859-1; return the variables that choose it."""
    made = folder / "en_US.ISO-8859-1"
    require(shutil.which("localedef"), "localedef")
    subprocess.run(["localedef", "-i", "en_US", "-f", "ISO-8859-1", made], capture_output=True, check=False)
    require(made.is_dir(), "the definitions of locales")
    return {"LOCPATH": str(folder), "LC_ALL": made.name, "PYTHONUTF8": "0"}


def ascii_only(env: dict[str, str]) -> dict[str, str]:
    """Return the variables of a user whose system speaks ASCII."""
    return {**env, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_letters_in_the_configuration_are_the_same_in_every_locale(
    tmp_path: Path, env: dict[str, str], version: str
) -> None:
    repo = repository(tmp_path / f"repo {LETTERS}", dependencies=["alpha"], configuration=CONFIGURATION)
    for given in (ascii_only(env), env, ascii_only(env)):
        done = run_kernel(repo, "say", python=interpreters()[version], env=given, check=True)
        assert done.stdout == f"{LETTERS} é", describe(done)
    assert (repo / f"umgebung {LETTERS}/pyvenv.cfg").is_file()


def test_another_locale_is_no_reason_to_build_or_to_lock_again(tmp_path: Path, env: dict[str, str]) -> None:
    tool = {"uv": {"index": [{"name": "other", "url": "https://index.invalid/ü", "explicit": True}]}}
    repo = repository(tmp_path / "ü/repo", configuration=CONFIGURATION, tool=tool)
    run_kernel(repo, "boot", python=interpreters()[OLDEST], env=ascii_only(env), check=True)
    for given in (env, ascii_only(env)):
        os.utime(repo / "pyproject.toml")
        done = run_kernel(repo, "--locked", "check", python=interpreters()[OLDEST], env=given)
        assert (done.returncode, done.stdout) == (0, "ready\n"), describe(done)
    done = run_kernel(repo, "--locked", "reboot", env=env)
    assert done.returncode == 0, describe(done)


def test_the_configuration_is_printed_with_its_true_letters(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", configuration=CONFIGURATION)
    python = interpreters()[OLDEST]
    done = run_kernel(repo, "config", "--json", python=python, env=ascii_only(env), check=True)
    assert json.loads(done.stdout) == effective(repo, env=env)
    done = run_kernel(repo, "config", python=python, env=ascii_only(env), check=True)
    assert f'neo.text = "{LETTERS}"' in done.stdout.splitlines()


@pytest.mark.parametrize("how", ["option", "variable", "default", "remembered"])
def test_the_name_of_an_environment_may_have_any_letters(
    tmp_path: Path, env: dict[str, str], how: str
) -> None:
    repo = repository(tmp_path / "repo", configuration='default_env = "né"\n' if how == "default" else "")
    (repo / "envs/né").mkdir(parents=True)
    if how == "remembered":
        write(repo, ".groundup/env", "né\n")
    given = {**ascii_only(env), **({"GROUNDUP_ENV": "né"} if how == "variable" else {})}
    words = [*(("--env", "né") if how == "option" else ()), "run", "sh", "-c", "echo $VIRTUAL_ENV"]
    for _ in ("cold", "warm"):
        done = run_kernel(repo, *words, python=interpreters()[OLDEST], env=given)
        assert done.stdout == f"{repo / 'envs/né/.venv'}\n", describe(done)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_a_name_that_is_none_is_refused_there_too(tmp_path: Path, env: dict[str, str], version: str) -> None:
    repo = repository(tmp_path / "repo")
    done = run_kernel(repo, "--env", "../é", "check", python=interpreters()[version], env=ascii_only(env))
    told(done, 2)


def test_a_mistake_beside_such_letters_is_named_with_its_line(tmp_path: Path, env: dict[str, str]) -> None:
    file = write(repository(tmp_path / "repo"), "groundup.toml", f'neo.text = "{LETTERS}"\n"ü" = 1\n')
    done = run_kernel(file.parent, "check", python=interpreters()[OLDEST], env=ascii_only(env))
    assert f"{file}:2:" in told(done, 2).error


def test_an_encoding_that_takes_every_byte_for_a_letter_is_no_exception(
    tmp_path: Path, env: dict[str, str]
) -> None:
    given = {**env, **latin_1(tmp_path)}
    repo = repository(tmp_path / "repo", configuration=CONFIGURATION)
    for version in (OLDEST, NEWEST):
        done = run([str(interpreters()[version]), "proto_kernel.py", "say"], env=given, cwd=repo, check=True)
        assert done.stdout == f"{LETTERS} é", describe(done)
    assert (repo / f"umgebung {LETTERS}/pyvenv.cfg").is_file()
