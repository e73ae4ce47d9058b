"""The command gets what it would have got without the kernel: streams, codes, signals, variables, files."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel.conftest import Ready
from tests.support.process import describe, run, run_kernel
from tests.support.repositories import bare_repository, repository, write
from tests.support.requirements import require

PREFIX = "import sys; print(sys.prefix)"


@pytest.mark.parametrize("option", ["-q", "-v", "-vv"])
def test_stdout_of_a_cold_run_is_exactly_the_commands(
    tmp_path: Path, env: dict[str, str], option: str
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    done = run_kernel(repo, option, "run", "--", "printf", "one\\ntwo", env=env, check=True)
    assert done.stdout == "one\ntwo", describe(done)


def test_building_is_said_on_stderr_only(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    done = run_kernel(repo, "boot", env=env, check=True)
    assert done.stdout == ""
    assert "+ beta==1.0" in done.stderr, describe(done)


def test_a_warm_run_says_nothing_of_its_own(ready: Ready) -> None:
    done = run_kernel(ready.repo, "run", "sh", "-c", "echo out; echo err >&2", env=ready.env, check=True)
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_the_command_gets_standard_input_untouched_by_the_build(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    done = run_kernel(repo, "run", "cat", env=env, stdin="all of it\n", check=True)
    assert done.stdout == "all of it\n"


@pytest.mark.parametrize("code", [0, 1, 2, 3, 126, 127, 130, 137, 143, 255])
def test_the_exit_code_of_the_command_is_passed_on(ready: Ready, code: int) -> None:
    done = run_kernel(ready.repo, "run", "sh", "-c", f"exit {code}", env=ready.env)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL", "SIGPIPE", "SIGXFSZ", "SIGHUP"])
def test_a_command_dies_of_its_signal(ready: Ready, name: str) -> None:
    number = signal.Signals[name]
    done = run_kernel(ready.repo, "run", "sh", "-c", f"kill -{number.value} $$; echo survived", env=ready.env)
    assert (done.returncode, done.stdout) == (-number, ""), describe(done)


def test_the_command_is_the_process_that_was_started(ready: Ready) -> None:
    command = [sys.executable, str(ready.repo / "proto_kernel.py"), "run", "sh", "-c", "echo $$"]
    with subprocess.Popen(command, env=ready.env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.read() == f"{process.pid}\n"


@pytest.mark.parametrize("cold", [True, False], ids=["cold", "warm"])
def test_signals_and_open_files_are_as_without_the_kernel(
    tmp_path: Path, env: dict[str, str], ready: Ready, cold: bool
) -> None:
    require(Path("/proc/self/status").exists(), "/proc")
    repo = repository(tmp_path / "repo", dependencies=["beta"]) if cold else ready.repo
    command = ["sh", "-c", "grep -E 'Sig(Blk|Ign|Cgt)|^Umask' /proc/self/status; ls /proc/self/fd"]
    expected = run(command, env=env, cwd=repo, check=True).stdout
    done = run_kernel(repo, "run", "--", *command, env=env if cold else ready.env, check=True)
    assert done.stdout == expected


def test_a_signal_that_the_caller_ignores_stays_ignored(ready: Ready) -> None:
    kernel = [sys.executable, str(ready.repo / "proto_kernel.py"), "run", "sh", "-c"]
    script = "trap '' HUP; exec \"$@\" 'kill -HUP $$; echo survived'"
    done = run(["sh", "-c", script, "sh", *kernel], env=ready.env, cwd=ready.repo, check=True)
    assert done.stdout == "survived\n"


def test_only_path_and_virtual_env_change(ready: Ready) -> None:
    given = {**ready.env, "PYTHONPATH": "/nowhere", "ODD": "a b\nc=ü", "GROUNDUP_VERBOSE": "0"}
    done = run_kernel(ready.repo, "run", "env", "-0", env=given, check=True)
    seen = dict(item.split("=", 1) for item in done.stdout.rstrip("\0").split("\0"))
    venv = ready.repo / ".venv"
    expected = {**given, "PATH": f"{venv / 'bin'}:{given['PATH']}", "VIRTUAL_ENV": str(venv)}
    del expected["GROUNDUP_VERBOSE"]
    assert seen == expected


@pytest.mark.parametrize("cold", [True, False], ids=["cold", "warm"])
def test_input_variables_do_not_reach_the_command(tmp_path: Path, env: dict[str, str], cold: bool) -> None:
    repo = bare_repository(tmp_path / "repo")
    write(repo, "envs/dev/groundup.toml", "")
    given = {**env, "GROUNDUP_ENV": "dev", "GROUNDUP_OFFLINE": "0", "GROUNDUP_VERBOSE": "1"}
    if not cold:
        run_kernel(repo, "boot", env=given, check=True)
    done = run_kernel(repo, "run", "sh", "-c", "env | grep ^GROUNDUP_", env=given, check=True)
    assert done.stdout == f"GROUNDUP_HOME={env['GROUNDUP_HOME']}\n"


@pytest.mark.parametrize("cold", [True, False], ids=["cold", "warm"])
def test_variables_of_another_environment_change_nothing(
    tmp_path: Path, env: dict[str, str], cold: bool
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    elsewhere = tmp_path / "elsewhere"
    stale = {
        "VIRTUAL_ENV": str(elsewhere),
        "CONDA_PREFIX": str(elsewhere),
        "CONDA_DEFAULT_ENV": "other",
        "UV_PROJECT_ENVIRONMENT": str(elsewhere),
        "UV_PROJECT": str(elsewhere),
        "UV_PYTHON": "3.8",
        "UV_SYSTEM_PYTHON": "1",
        "UV_WORKING_DIR": str(tmp_path),
        "PYTHONHOME": "",
    }
    if not cold:
        run_kernel(repo, "boot", env=env, check=True)
    done = run_kernel(repo, "run", "python", "-c", f"import beta, demo; {PREFIX}", env={**env, **stale})
    assert done.stdout == f"{repo / '.venv'}\n", describe(done)
    assert not elsewhere.exists()


def test_a_boot_inside_another_repositorys_command_builds_its_own(
    tmp_path: Path, env: dict[str, str], ready: Ready
) -> None:
    inner = repository(tmp_path / "inner", "inner", dependencies=["gamma"])
    command = [
        "python",
        str(inner / "proto_kernel.py"),
        "run",
        "python",
        "-c",
        f"import gamma, inner; {PREFIX}",
    ]
    done = run_kernel(ready.repo, "run", *command, env=env, check=True)
    assert done.stdout == f"{inner / '.venv'}\n"


def test_a_boot_inside_its_own_command_is_as_from_a_plain_shell(ready: Ready) -> None:
    kernel = str(ready.repo / "proto_kernel.py")
    inner = ["python", kernel, "run", "sh", "-c", "echo $VIRTUAL_ENV; echo $PATH"]
    nested = run_kernel(ready.repo, "run", *inner, env=ready.env, check=True)
    plain = run_kernel(ready.repo, *inner[2:], env=ready.env, check=True)
    assert nested.stdout == plain.stdout


def test_the_environment_chosen_outside_is_not_chosen_inside(tmp_path: Path, env: dict[str, str]) -> None:
    repo = bare_repository(tmp_path / "repo")
    write(repo, "envs/dev/groundup.toml", "")
    kernel = ["python", str(repo / "proto_kernel.py")]
    inner = [*kernel, "run", "python", "-c", PREFIX]
    done = run_kernel(repo, "--env", "dev", "run", *inner, env={**env, "GROUNDUP_ENV": "dev"}, check=True)
    assert done.stdout == f"{repo / '.venv'}\n"


def test_a_boot_started_by_a_build_step_of_another_boot_succeeds(tmp_path: Path, env: dict[str, str]) -> None:
    inner = repository(tmp_path / "inner", "inner", dependencies=["gamma"])
    outer = repository(tmp_path / "outer", "outer", dependencies=["beta"])
    selector = f"""
        import os, subprocess, sys
        subprocess.check_call([sys.executable, {str(inner / "proto_kernel.py")!r}, "boot"])
        print(os.path.realpath(sys.executable))
    """
    write(outer, "choose.py", selector)
    write(outer, "groundup.toml", 'python_selector = "choose.py"\n')
    check = "import sys, beta, outer; print(sys.prefix)"
    done = run_kernel(outer, "run", "python", "-c", check, env=env, check=True)
    assert done.stdout == f"{outer / '.venv'}\n"
    assert run_kernel(inner, "check", env=env).returncode == 0
