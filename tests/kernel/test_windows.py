"""What is different on Windows: paths, no exec, another lock. Simulated; untested on a real machine."""

from __future__ import annotations

import importlib.util
import ntpath
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from groundup import proto_kernel
from tests.support.background import Background
from tests.support.process import describe, run
from tests.support.windows import windows_kernel


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    return windows_kernel(tmp_path / "simulated")


@pytest.fixture
def module(kernel: Path) -> Any:
    """The simulated kernel, imported."""
    spec = importlib.util.spec_from_file_location("windows_kernel", kernel)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words(kernel: Path, code: str, *arguments: str) -> list[str]:
    """Return the words of a process that imports the simulated kernel as `k` and runs `code`."""
    # subprocess comes first: it takes this system for Windows wherever it finds an msvcrt
    start = f"import subprocess, sys; sys.path.insert(0, {str(kernel.parent)!r})\n"
    start += "import windows_kernel as k\n"
    return [sys.executable, "-c", start + code, *arguments]


# ── paths ────────────────────────────────────────────────────────────────────────────────────────────


def test_executables_stand_in_scripts(module: Any) -> None:
    assert module.bin_folder("venv") == "venv/Scripts"
    assert module.venv_python("venv") == "venv/Scripts/python.exe"
    assert proto_kernel.venv_python("venv") == "venv/bin/python"


def test_the_environment_has_scripts_first_on_path(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("GROUNDUP_ENV", "prod")
    environ = module.environment_of("/repo/.venv")
    assert environ["PATH"].split(os.pathsep) == ["/repo/.venv/Scripts", "/usr/bin"]
    assert environ["VIRTUAL_ENV"] == "/repo/.venv"
    assert "GROUNDUP_ENV" not in environ


@pytest.mark.parametrize("suffix", [".exe", ".cmd", ".bat", ""])
def test_commands_are_found_with_windows_suffixes(module: Any, tmp_path: Path, suffix: str) -> None:
    program = tmp_path / f"tool{suffix}"
    program.touch(0o755)
    assert module.find_program("tool", str(tmp_path)) == str(program)


def test_an_exe_comes_before_a_batch_file(module: Any, tmp_path: Path) -> None:
    for name in ("tool.bat", "tool.exe"):
        (tmp_path / name).touch(0o755)
    assert module.find_program("tool", str(tmp_path)) == str(tmp_path / "tool.exe")


def test_the_cache_is_in_the_local_data_of_the_user(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROUNDUP_HOME", raising=False)
    monkeypatch.setenv("LOCALAPPDATA", "/users/me/AppData/Local")
    assert module.cache_folder() == "/users/me/AppData/Local/groundup/Cache"


def test_pips_configuration_is_an_ini_file(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip/pip.ini").write_text("[global]\nindex-url = https://index.invalid/simple\n")
    monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
    monkeypatch.setenv("APPDATA", str(tmp_path))
    found = module.pip_setting("index-url")
    assert found == ("https://index.invalid/simple", str(tmp_path / "pip/pip.ini"))


@pytest.mark.parametrize(
    ("system", "machine", "platform"),
    [
        ("win32", "AMD64", "windows-x86_64"),
        ("win32", "ARM64", "windows-arm64"),
        ("win32", "x86", "windows-x86"),
        ("darwin", "arm64", "macos-arm64"),
        ("darwin", "x86_64", "macos-x86_64"),
        ("linux", "x86_64", "linux-x86_64"),
        ("linux", "aarch64", "linux-aarch64"),
        ("linux", "armv7l", "linux-armv7l"),
        ("linux", "i686", "linux-i686"),
        ("linux", "i386", "linux-i686"),
        ("linux", "ppc64le", "linux-ppc64le"),
        ("linux", "s390x", "linux-s390x"),
        ("linux", "riscv64", "linux-riscv64"),
    ],
)
def test_every_platform_has_a_pinned_uv(system: str, machine: str, platform: str) -> None:
    assert proto_kernel.platform_key(system, machine) == platform
    pinned = [line.split()[0] for line in proto_kernel.UV_WHEELS.strip().splitlines()]
    assert pinned.count(platform) == 1


def test_a_venv_on_another_drive_is_named_by_its_whole_path(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.os, "path", ntpath)
    assert module.relative(r"D:\envs\.venv", r"C:\repo") == r"D:\envs\.venv"
    assert module.relative(r"C:\repo\.venv", r"C:\repo") == ".venv"


# ── no exec ──────────────────────────────────────────────────────────────────────────────────────────

BECOME = "k.become(sys.argv[1:], k.environment_of('/nowhere'))"


@pytest.mark.parametrize("code", [0, 1, 7, 130])
def test_the_exit_code_of_the_child_is_passed_on(kernel: Path, tmp_path: Path, code: int) -> None:
    child = f"import os, sys; print(os.getppid(), os.getpid()); sys.exit({code})"
    done = run(words(kernel, BECOME, sys.executable, "-c", child), env=dict(os.environ), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (code, ""), describe(done)
    parent, own = done.stdout.split()
    assert parent != own and int(parent) != os.getpid(), "the command is a child of the kernel"


def test_the_child_has_the_streams_of_the_kernel(kernel: Path, tmp_path: Path) -> None:
    child = "import sys; print(sys.stdin.read().upper(), end='')"
    done = run(
        words(kernel, BECOME, sys.executable, "-c", child),
        env=dict(os.environ),
        cwd=tmp_path,
        stdin="text\n",
    )
    assert done.stdout == "TEXT\n"


def test_a_command_that_is_missing_is_127(kernel: Path, tmp_path: Path) -> None:
    code = f"sys.exit(k.guarded(lambda: {BECOME}))"
    done = run(words(kernel, code, "no-such-program"), env=dict(os.environ), cwd=tmp_path)
    assert done.returncode == 127
    assert done.stderr.startswith("error: command not found: no-such-program")


def test_on_ctrl_c_the_answer_of_the_child_counts(kernel: Path, tmp_path: Path) -> None:
    child = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(5))\n"
        "print('up', file=sys.stderr, flush=True)\n"
        "time.sleep(60)\n"
    )
    arguments = words(kernel, BECOME, sys.executable, "-c", child)
    with Background(arguments, env=dict(os.environ), cwd=tmp_path) as process:
        process.wait_for_stderr("up")
        process.send_to_group(signal.SIGINT)
        assert process.wait() == 5, process.stderr
        assert "Traceback" not in process.stderr


# ── the lock ─────────────────────────────────────────────────────────────────────────────────────────

HOLD = """
with k.FileLock(sys.argv[1]) as lock:
    lock.mark("building")
    print("held", file=sys.stderr, flush=True)
    sys.stdin.read()
    lock.mark("")
"""


def test_the_lock_excludes_and_its_record_can_be_read(kernel: Path, tmp_path: Path) -> None:
    path = tmp_path / "venv.lock"
    holder = subprocess.Popen(
        words(kernel, HOLD, str(path)),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    with holder:
        assert holder.stderr is not None and holder.stdin is not None
        assert holder.stderr.readline() == "held\n"
        done = run(words(kernel, ASK, str(path)), env=dict(os.environ), cwd=tmp_path, check=True)
        assert done.stdout.split() == ["False", str(holder.pid), "building"]
        holder.stdin.close()
    assert path.read_bytes() == b""
    done = run(words(kernel, ASK, str(path)), env=dict(os.environ), cwd=tmp_path, check=True)
    assert done.stdout.split() == ["True"]


ASK = """
import os
lock = k.FileLock(sys.argv[1])
lock.fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
print(k.try_lock(lock.fd), lock.read()[0], lock.read()[2])
"""


def test_who_waits_says_for_whom_and_goes_on_when_the_lock_is_free(kernel: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "venv.lock")
    sleeper = HOLD.replace("sys.stdin.read()", "import time; time.sleep(1)")
    env, began = dict(os.environ), time.monotonic()
    with Background(words(kernel, sleeper, path), env=env, cwd=tmp_path) as holder:
        holder.wait_for_stderr("held")
        done = run(words(kernel, HOLD, path), env=env, cwd=tmp_path, check=True)
        assert f"waiting for process {holder.pid}" in done.stderr
        assert time.monotonic() - began >= 1
