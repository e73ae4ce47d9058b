"""Where the executables of languages run."""

import os
import sys
from pathlib import Path

import pytest

from groundup.errors import UserError
from groundup.execution import ExecutionResult, ExecutionRuntime
from groundup.execution.languages import Command, CommandRuntime, run_step
from groundup.execution.languages.runtime import HostCommands, command_runtime
from tests.support.languages import write_language, write_step
from tests.support.users import User


class Recorded(HostCommands):
    """A runtime of one's own: it runs on the host and remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(ExecutionRuntime())
        self.commands: list[Command] = []

    def run_command(self, command: Command) -> ExecutionResult:
        self.commands.append(command)
        return super().run_command(command)


def test_the_host_offers_what_a_runtime_has_to() -> None:
    host = command_runtime("host")
    assert isinstance(host, CommandRuntime)
    assert not host.is_isolated
    assert host.environment == ExecutionRuntime().environment
    assert "python3." in host.platform
    assert isinstance(command_runtime(ExecutionRuntime()), HostCommands)


@pytest.mark.parametrize("on", ["moon", object()])
def test_nothing_runs_elsewhere_than_was_asked_for(on: object) -> None:
    with pytest.raises(UserError):
        command_runtime(on)


def test_a_runtime_that_cannot_run_commands_is_refused() -> None:
    class Other(ExecutionRuntime):
        pass

    with pytest.raises(UserError, match="steps cannot run in"):
        command_runtime(Other())


def test_a_runtime_is_told_all_that_a_command_may_see(home: Path) -> None:
    language = write_language(home / "lang", run='printf 1 > "$GROUNDUP_STEP_OUTPUTS/a.txt"')
    step = write_step(home / "step", outputs={"a": "int"}, timeouts={"supply": 50})
    runtime = Recorded()
    result = run_step(step, on=runtime, languages={"lang": language}, timeouts={"run": 40})
    assert result.outputs == {"a": 1}
    install, _, run = runtime.commands
    assert [command.needs_network for command in runtime.commands] == [True, True, False]
    assert [command.timeout for command in runtime.commands] == [1800, 50, 40]
    assert install.argv == [str(language / "install")]
    writable = {mount.path.name for mount in run.mounts if mount.is_writable}
    assert writable == {"work", "outputs"}
    readable = {mount.path for mount in run.mounts if not mount.is_writable}
    assert {language, step.parent} <= readable
    assert step.parent not in {mount.path for mount in install.mounts}
    for command in runtime.commands:
        assert command.cwd in {mount.path for mount in command.mounts if mount.is_writable}
        seen = [str(mount.path) for mount in command.mounts]
        places = [value for name, value in command.env.items() if name != "GROUNDUP_STEP_PHASE"]
        assert all(any(Path(place).is_relative_to(path) for path in seen) for place in places)


def test_a_folder_inside_of_another_comes_after_it(home: Path) -> None:
    runtime = Recorded()
    step = write_step(home / "step")
    run_step(step, on=runtime, languages={"lang": write_language(home / "lang")})
    for command in runtime.commands:
        paths = [mount.path for mount in command.mounts]
        for n, path in enumerate(paths):
            assert not any(later != path and path.is_relative_to(later) for later in paths[n + 1 :])


def test_what_was_made_for_one_platform_is_used_on_no_other(home: Path) -> None:
    class Elsewhere(Recorded):
        platform = "elsewhere"

    language = write_language(home / "lang")
    step = write_step(home / "step")
    for runtime, expected in ((Recorded(), 3), (Recorded(), 1), (Elsewhere(), 3), (Elsewhere(), 1)):
        run_step(step, on=runtime, languages={"lang": language})
        assert len(runtime.commands) == expected


def test_nothing_of_the_callers_python_reaches_an_executable(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(home))
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    monkeypatch.setenv("MINE", "passes")
    run = """
    printf '%s' "${PYTHONPATH-none} ${VIRTUAL_ENV-none} $MINE" > "$GROUNDUP_STEP_OUTPUTS/a.txt"
    command -v python3 > "$GROUNDUP_STEP_OUTPUTS/python.txt"
    """
    step = write_step(home / "step", outputs={"a": "string", "python": "string"})
    result = run_step(step, languages={"lang": write_language(home / "lang", run=run)})
    assert result.outputs["a"] == "none none passes"
    assert not result.outputs["python"].startswith(sys.prefix + os.sep)


@pytest.mark.parametrize("isolated", [False, True])
def test_uv_keeps_its_files_where_it_may_write(user: User, isolated: bool) -> None:
    class Isolated(Recorded):
        is_isolated = isolated

    runtime = Isolated()
    step = write_step(user.home / "step", language="python3", parameters={"file": "a.py", "function": "main"})
    (user.home / "step/a.py").write_text("def main(): pass\n")
    run_step(step, on=runtime)
    install, supply, run = runtime.commands
    assert Path(install.env["GROUNDUP_STEP_UV"]) in [mount.path for mount in install.mounts]
    cache = Path(supply.env["UV_CACHE_DIR"])
    assert cache.is_relative_to(supply.cwd) == isolated
    assert supply.env["UV_DEFAULT_INDEX"] == user.index.url
    assert ("PATH" in supply.env) != isolated
    assert not [name for name in run.env if name.startswith("UV_") or name == "GROUNDUP_STEP_UV"]
