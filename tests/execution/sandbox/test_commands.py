"""Steps of languages in a sandbox: their commands see their mounts, and what they write is the caller's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from groundup import SandboxExecutionRuntime, run_step
from groundup.execution.languages import Command, Mount, StepFailed
from groundup.execution.languages.runtime import CommandRuntime
from tests.support.users import User

STEP = """
name: hello
language: python3
parameters: {file: main.py, function: main}
inputs: {seed: {type: int, value: 9}}
outputs: {result: {type: int}}
"""


def command(folder: Path, script: str, **options: object) -> Command:
    """Return a command that works in `folder`, which it may write, and reads `given` beside it."""
    mounts = [Mount(folder.parent / "given"), Mount(folder, is_writable=True)]
    argv = ["/bin/sh", "-ec", script]
    return Command(argv=argv, cwd=folder, env={"MINE": "1"}, mounts=mounts, **options)  # type: ignore[arg-type]


@pytest.fixture
def folder(user: User, tmp_path: Path) -> Path:
    """A folder for a command, in one that only its owner may enter."""
    (tmp_path / "step" / "given").mkdir(parents=True)
    (tmp_path / "step" / "given" / "file").write_text("given")
    (tmp_path / "step").chmod(0o700)
    work = tmp_path / "step" / "work"
    work.mkdir()
    return work


def test_a_sandbox_runs_commands(runtime: SandboxExecutionRuntime, folder: Path) -> None:
    assert isinstance(runtime, CommandRuntime)
    assert runtime.is_isolated
    result = runtime.run_command(
        command(folder, "cat ../given/file; echo $MINE; pwd; echo x >made; ! ls ../.. 2>&1 | grep -v step")
    )
    assert result.stdout == f"given1\n{folder}\n"
    assert result.environment == "sandbox:bubblewrap"
    assert (folder / "made").stat().st_uid == os.getuid()
    assert not runtime.run_command(command(folder, "echo x >../given/file")).ok
    assert (folder.parent / "given" / "file").read_text() == "given"


def test_a_file_can_be_written_alone(runtime: SandboxExecutionRuntime, folder: Path) -> None:
    file, other = folder / "file", folder / "other"
    file.write_text("old")
    other.write_text("old")
    mounts = [Mount(file, is_writable=True), Mount(other)]
    script = f"echo new >{file}; ! echo new >{other}; echo new >{folder}/third"
    argv = ["/bin/sh", "-ec", script]
    assert runtime.run_command(Command(argv=argv, cwd=Path("/tmp"), env={}, mounts=mounts)).ok  # noqa: S108
    assert (file.read_text(), other.read_text(), len(list(folder.iterdir()))) == ("new\n", "old", 2)
    assert file.stat().st_uid == os.getuid()  # the third was in a folder of the run's own


def test_it_has_a_network_only_where_it_needs_one(
    runtime: SandboxExecutionRuntime, folder: Path, user: User
) -> None:
    fetch = f"python3 -I -c 'import urllib.request as r; print(r.urlopen(\"{user.index.url}alpha/\").status)'"
    assert not runtime.run_command(command(folder, fetch)).ok
    assert runtime.run_command(command(folder, fetch, needs_network=True)).stdout == "200\n"


def test_a_timeout_ends_it(runtime: SandboxExecutionRuntime, folder: Path) -> None:
    result = runtime.run_command(command(folder, "echo there; sleep 600", timeout=1))
    assert (result.phase, result.stdout) == ("timeout", "there\n")


def test_a_step(runtime: SandboxExecutionRuntime, user: User, tmp_path: Path) -> None:
    component = tmp_path / "component"
    component.mkdir()
    (component / "step.yaml").write_text(STEP)
    (component / "main.py").write_text(
        "import os\ndef main(seed): print(os.path.exists('/etc/shadow')); return seed * 2\n"
    )
    done = run_step(component / "step.yaml", on="sandbox")
    assert done.outputs == {"result": 18}
    assert done.environment == "sandbox:bubblewrap"


def test_an_output_that_is_a_link_is_not_followed(
    runtime: SandboxExecutionRuntime, user: User, tmp_path: Path
) -> None:
    component = tmp_path / "component"
    component.mkdir()
    (user.home / "secret.json").write_text(json.dumps(7))
    (component / "step.yaml").write_text(STEP)
    (component / "main.py").write_text(
        "import os\n"
        "def main(seed):\n"
        "    place = os.environ['GROUNDUP_STEP_OUTPUTS'] + '/result.json'\n"
        f"    os.symlink({str(user.home / 'secret.json')!r}, place)\n"
        "    os._exit(0)\n"
    )
    with pytest.raises(StepFailed, match="no regular file"):
        run_step(component / "step.yaml", on=runtime)
    assert (user.home / "secret.json").stat().st_uid == os.getuid()
