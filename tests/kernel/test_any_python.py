"""Any Python, from anywhere, in any shell: the same repository comes up, with a Python that fits it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel.conftest import Ready
from tests.support.process import describe, interpreters, run, run_kernel
from tests.support.repositories import entry_script, repository, write
from tests.support.requirements import require
from tests.support.trees import facts

REPORT = "import sys, demo; print(sys.prefix, '%d.%d' % sys.version_info[:2], sys.version_info >= (3, 11))"
RUN = ["run", "--", "python", "-IB", "-c", REPORT]
HOSTILE = {"logging", "json", "re", "subprocess", "tempfile", "hashlib", "typing", "enum", "random", "ssl"}
TRAP = "import os\nos.write(2, b'hijacked ' + os.fsencode(__file__))\nos._exit(99)\n"
OLDEST, NEWEST = next(iter(interpreters())), list(interpreters())[-1]


def check_report(done: subprocess.CompletedProcess[str], repo: Path) -> None:
    """Check that the project was imported by a fitting Python in the environment of `repo`."""
    assert done.returncode == 0, describe(done)
    prefix, _, fits = done.stdout.rsplit(maxsplit=2)
    assert prefix == str(repo / ".venv")
    assert fits == "True"


def test_the_interpreters_that_must_work_are_here(tmp_path: Path) -> None:
    wanted = ["3.6", "3.8", "3.11", "3.13"]
    missing = [version for version in wanted if version not in interpreters()]
    require(not missing, f"the interpreters {', '.join(missing)}")
    for version in wanted:
        said = run([str(interpreters()[version]), "-V"], env={}, cwd=tmp_path, check=True).stdout
        assert said.startswith(f"Python {version}.")


@pytest.mark.parametrize("version", interpreters())
def test_every_interpreter_boots_the_repository(tmp_path: Path, env: dict[str, str], version: str) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    for _ in ("cold", "warm"):
        check_report(run_kernel(repo, *RUN, python=interpreters()[version], env=env), repo)


def test_every_interpreter_finds_the_environment_that_another_one_built(ready: Ready) -> None:
    before = facts(ready.repo)
    for python in interpreters().values():
        check_report(run_kernel(ready.repo, *RUN, python=python, env=ready.env), ready.repo)
    assert facts(ready.repo) == before


@pytest.mark.parametrize("version", interpreters())
def test_the_kernel_runs_by_its_first_line(ready: Ready, tmp_path: Path, version: str) -> None:
    (tmp_path / "python3").symlink_to(interpreters()[version])
    env = {**ready.env, "PATH": f"{tmp_path}:{ready.env['PATH']}"}
    check_report(run([str(ready.repo / "proto_kernel.py"), *RUN], env=env, cwd=tmp_path), ready.repo)


@pytest.mark.parametrize("version", interpreters())
def test_a_foreign_venv_is_left(tmp_path: Path, env: dict[str, str], version: str) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    foreign = tmp_path / "foreign"
    subprocess.run([interpreters()[version], "-m", "venv", "--without-pip", foreign], check=True)
    before = facts(foreign)
    active = {**env, "VIRTUAL_ENV": str(foreign), "PATH": f"{foreign / 'bin'}:{env['PATH']}"}
    for _ in ("cold", "warm"):
        done = run(["python", "-B", "proto_kernel.py", *RUN], env=active, cwd=repo)
        check_report(done, repo)
    assert facts(foreign) == before


def test_the_foreign_venv_is_no_longer_on_path(tmp_path: Path, ready: Ready) -> None:
    foreign = str(tmp_path / "foreign")
    active = {**ready.env, "VIRTUAL_ENV": foreign, "PATH": f"{foreign}/bin:{ready.env['PATH']}"}
    seen = run_kernel(ready.repo, "run", "sh", "-c", "echo $VIRTUAL_ENV $PATH", env=active, check=True)
    assert foreign not in seen.stdout


def test_the_repository_works_when_started_by_its_own_environment(ready: Ready) -> None:
    own = ready.repo / ".venv/bin/python"
    check_report(run_kernel(ready.repo, *RUN, python=own, env=ready.env), ready.repo)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_a_boot_by_its_own_environments_python_can_rebuild_it(
    tmp_path: Path, env: dict[str, str], version: str
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    run_kernel(repo, "boot", python=interpreters()[version], env=env, check=True)
    done = run_kernel(repo, "reboot", python=repo / ".venv/bin/python", env=env)
    assert done.returncode == 0, describe(done)
    check_report(run_kernel(repo, *RUN, env=env), repo)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_a_link_to_the_kernel_is_as_good_as_the_kernel(
    tmp_path: Path, env: dict[str, str], version: str
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    link = tmp_path / "somewhere/kernel"
    link.parent.mkdir()
    link.symlink_to(repo / "proto_kernel.py")
    for _ in ("cold", "warm"):
        done = run([str(interpreters()[version]), "kernel", *RUN], env=env, cwd=link.parent)
        check_report(done, repo)
    assert sorted(p.name for p in link.parent.iterdir()) == ["kernel"]


def test_a_link_to_the_checkout_leads_to_its_environment(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    (tmp_path / "link").symlink_to(repo)
    run_kernel(repo, "boot", env=env, check=True)
    done = run_kernel(tmp_path / "link", *RUN, env=env, check=True)
    assert Path(done.stdout.split()[0]).samefile(repo / ".venv")


def test_the_working_folder_stays_the_callers(ready: Ready, tmp_path: Path) -> None:
    done = run_kernel(ready.repo, "run", "pwd", env=ready.env, cwd=tmp_path, check=True)
    assert done.stdout == f"{tmp_path}\n"


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
@pytest.mark.parametrize("version", [OLDEST, "3.8", NEWEST])
def test_a_folder_with_spaces_and_letters_of_the_world(
    tmp_path: Path, env: dict[str, str], version: str, locale: str
) -> None:
    require(version in interpreters(), f"Python {version}")
    repo = repository(tmp_path / "mit Leerzeichen, Ümläuten 'n 日本 $HOME", dependencies=["beta"])
    given = {**env, "LANG": locale, "LC_ALL": locale}
    for _ in ("cold", "warm"):
        done = run_kernel(
            repo, "run", "sh", "-c", "echo $VIRTUAL_ENV", python=interpreters()[version], env=given
        )
        assert done.stdout == f"{repo / '.venv'}\n", describe(done)
    check_report(run_kernel(repo, *RUN, python=interpreters()[version], env=env), repo)
    assert run([str(repo / ".venv/bin/python"), "-c", "import beta"], env=env, cwd=tmp_path).returncode == 0


def set_traps(folder: Path, names: set[str]) -> None:
    """Write modules into `folder` that end the process which imports them."""
    for name in names:
        write(folder, f"{name}.py", TRAP)


def imported_before_any_script(python: Path) -> set[str]:
    """Return what the `.pth` files of an interpreter import: on PYTHONPATH no script can be faster."""
    code = "import sys; print(*sys.modules)"
    return set(
        subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.mark.parametrize("version", interpreters())
def test_modules_named_like_standard_ones_do_not_hijack(
    tmp_path: Path, env: dict[str, str], version: str
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    for folder in (repo, tmp_path / "cwd"):
        set_traps(folder, HOSTILE)
    set_traps(tmp_path / "library", HOSTILE - imported_before_any_script(interpreters()[version]))
    given = {**env, "PYTHONPATH": str(tmp_path / "library")}
    for _ in ("cold", "warm"):
        done = run_kernel(repo, *RUN, python=interpreters()[version], env=given, cwd=tmp_path / "cwd")
        check_report(done, repo)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_modules_beside_an_entry_script_do_not_hijack_the_boot(
    tmp_path: Path, env: dict[str, str], version: str
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    write(repo, "src/demo/app.py", "def main():\n    print('started')\n")
    script = entry_script(repo, "start", 'start_app("demo.app:main")')
    set_traps(script.parent, HOSTILE)
    for _ in ("cold", "warm"):
        done = run([str(interpreters()[version]), str(script)], env=env, cwd=script.parent)
        assert done.stdout == "started\n", describe(done)


@pytest.mark.parametrize(
    "shell", [None, "", "/bin/sh", "/bin/bash", "/usr/bin/fish", "/usr/bin/zsh", "/no/such"]
)
def test_a_boot_does_not_depend_on_the_users_shell(ready: Ready, shell: str | None) -> None:
    given = {name: value for name, value in ready.env.items() if name != "SHELL"}
    if shell is not None:
        given["SHELL"] = shell
    check_report(run_kernel(ready.repo, *RUN, env=given), ready.repo)
    assert run_kernel(ready.repo, "boot", env=given).returncode == 0


def test_a_user_without_home_and_path_can_boot(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    given = {name: value for name, value in env.items() if name not in {"HOME", "PATH", "LANG"}}
    for _ in ("cold", "warm"):
        check_report(run_kernel(repo, *RUN, python=sys._base_executable, env=given), repo)  # type: ignore[attr-defined]
