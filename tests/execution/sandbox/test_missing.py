"""Where a sandbox cannot be had, it says what is missing, and nothing runs."""

import contextlib
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundup import ExecutionResult, SandboxExecutionRuntime, create_execution_runtime
from groundup.errors import UserError
from groundup.execution.environments import environment_store
from groundup.execution.sandbox import SandboxError
from groundup.execution.sandbox.user import DEFAULT_UID
from tests.support.requirements import require
from tests.support.users import User

RUN = """
import sys
from groundup import SandboxExecutionRuntime, SandboxError
try:
    print(SandboxExecutionRuntime().run_script(b"print('it ran')"))
except SandboxError as error:
    print(error.reason, error, error.hint, sep="\\n")
"""


def fake(folder: Path, words: str) -> None:
    """Make a bwrap that says something and fails."""
    folder.mkdir()
    (folder / "bwrap").write_text(f"#!/bin/sh\necho 'bwrap: {words}' >&2\nexit 1\n")
    (folder / "bwrap").chmod(0o755)


def refused() -> SandboxError:
    """Run a script in a sandbox, which cannot be; return the error."""
    with pytest.raises(SandboxError) as raised:
        SandboxExecutionRuntime().run_script(b"print('it ran')")
    return raised.value


def test_without_bubblewrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="needs bubblewrap, and there is no bwrap on PATH") as raised:
        create_execution_runtime("sandbox")
    assert raised.value.reason == "bubblewrap"
    assert raised.value.hint == "install the package bubblewrap"
    assert pickle.loads(pickle.dumps(raised.value)).reason == "bubblewrap"  # noqa: S301


@pytest.mark.parametrize(
    ("words", "reason", "message"),
    [
        ("Unknown option --disable-userns", "bubblewrap", "too old for a sandbox"),
        ("No permissions to create a new namespace", "namespaces", "refuses the namespaces"),
        ("setting up uid map: Permission denied", "namespaces", "setting up uid map: Permission denied"),
        (
            "Can't find source path /x: No such file or directory",
            "files",
            "cannot show what is needed: Can't",
        ),
    ],
)
def test_what_bubblewrap_says(
    words: str, reason: str, message: str, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        fake(Path(folder, "bin"), words.replace("'", "'\\''"))
        monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")
        error = refused()
    assert error.reason == reason
    assert message in str(error)
    assert error.hint


def in_namespace(user: User, script: str, ids: str) -> subprocess.CompletedProcess[str]:
    """Run RUN by a shell script, for which it is ``$@``, as root of a user namespace with these ids."""
    require(os.geteuid() == 0 and shutil.which("unshare"), "root and unshare")
    wait = 'echo ready; read line; exec sh -c "$@"'  # root by another exec, when there are ids
    command = ["unshare", "--user", "sh", "-c", wait, "sh", script, "sh", sys.executable, "-c", RUN]
    env = {**user.env, "PATH": f"{user.env['PATH']}:{os.defpath}"}
    with subprocess.Popen(command, env=env, text=True, stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{process.pid}/{name}").write_text(ids)
        stdout, stderr = process.communicate("go\n")
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def test_root_of_a_namespace_that_has_nobody_else(runtime: SandboxExecutionRuntime, user: User) -> None:
    done = in_namespace(user, 'exec "$@"', "0 0 1")
    assert done.stderr == ""
    reason, message, hint = done.stdout.splitlines()
    assert reason == "uid"
    assert f"uid {DEFAULT_UID}: this user namespace does not have it" in message
    assert "uid=" in hint


def test_a_system_that_refuses_namespaces(runtime: SandboxExecutionRuntime, user: User) -> None:
    done = in_namespace(user, 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', "0 0 100000")
    assert done.stderr == ""
    reason, message, hint = done.stdout.splitlines()
    assert reason == "namespaces"
    assert "this system refuses the namespaces" in message
    assert "user.max_user_namespaces" in hint


@pytest.mark.parametrize("uid", [0, -1, 2**32 - 1, "65534", True, 1.5])
def test_a_uid_that_is_none(runtime: SandboxExecutionRuntime, uid: object) -> None:
    with pytest.raises(UserError, match="is no uid for a sandbox"):
        SandboxExecutionRuntime(uid=uid)  # type: ignore[arg-type]


def users_of(mark: str) -> Iterator[int]:
    """Yield the users of the processes that have `mark` in their arguments."""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            if mark.encode() in (path / "cmdline").read_bytes():
                yield path.stat().st_uid


def test_root_runs_as_another_user(runtime: SandboxExecutionRuntime, user: User) -> None:
    require(os.geteuid() == 0, "root")

    def owner(sandbox: SandboxExecutionRuntime) -> int:
        seen: list[int] = []

        def look(_: str) -> None:
            seen.extend(users_of(mark))

        mark = os.urandom(8).hex()
        source = b"import time; print('x', flush=True); time.sleep(0.1)"
        result: ExecutionResult = sandbox.run_script(source, mark, on_stdout=look)
        assert result.ok
        (found,) = set(seen)
        return found

    assert owner(runtime) == DEFAULT_UID
    assert owner(SandboxExecutionRuntime(uid=4321)) == 4321


def test_what_its_user_cannot_read_is_said(runtime: SandboxExecutionRuntime, user: User) -> None:
    require(os.geteuid() == 0, "root")
    assert runtime.run_script(b"").ok
    store = environment_store()
    (name,) = store.names()
    (store.root / name).chmod(0o700)
    error = refused()
    assert error.reason == "files"
    assert str(DEFAULT_UID) in error.hint
