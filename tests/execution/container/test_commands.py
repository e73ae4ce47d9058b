"""Steps in containers: the executables of languages see what they are given, and write where they may."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from groundup import StepFailed, run_step
from groundup.execution.container import IsolatedExecutionRuntime
from groundup.execution.container.engine import Engine
from groundup.execution.languages.runtime import CommandRuntime
from tests.support.containers import owned, runtime_of
from tests.support.languages import write_language, write_step
from tests.support.users import User
from tests.support.wheels import build_wheel

PYTHON_STEP = {
    "language": "python3",
    "parameters": {"file": "main.py", "function": "main"},
    "inputs": {"number": {"type": "int", "value": 20}},
    "outputs": {"result": {"type": "json"}},
}


def test_it_can_run_commands(runtime: IsolatedExecutionRuntime, engine: Engine) -> None:
    assert isinstance(runtime, CommandRuntime)
    assert runtime.is_isolated
    assert runtime.environment == f"container:{engine.name}"
    assert "python3.12" in runtime.platform
    assert "manylinux" in runtime.platform


def test_a_step_of_a_language_of_shell_scripts(
    runtime: IsolatedExecutionRuntime, user: User, tmp_path: Path
) -> None:
    language = write_language(
        tmp_path / "lang",
        install='echo tool > "$GROUNDUP_STEP_INSTALLED/tool"',
        supply='cat "$GROUNDUP_STEP_INSTALLED/tool" > "$GROUNDUP_STEP_SUPPLIED/supplied"',
        run="""
cat "$GROUNDUP_STEP_SUPPLIED/supplied"; id -u; pwd
[ ! -e /.groundup ] && ! touch "$GROUNDUP_STEP_COMPONENT/planted" 2>/dev/null
echo 42 > "$GROUNDUP_STEP_OUTPUTS/answer.json"
""",
    )
    step = write_step(tmp_path / "step", outputs={"answer": {"type": "int"}})
    heard: list[str] = []
    result = run_step(step, on=runtime, languages={"lang": language}, on_stdout=heard.append)
    assert result.outputs == {"answer": 42}
    assert result.environment == runtime.environment
    tool, uid, work = "".join(heard).split()
    assert (tool, int(uid) != 0) == ("tool", True)
    assert work.endswith("/run/work")
    assert {path.stat().st_uid for path in result.folder.rglob("*")} == {os.getuid()}


def test_a_step_of_python_with_vendored_dependencies(
    runtime: IsolatedExecutionRuntime, user: User, tmp_path: Path
) -> None:
    component = tmp_path / "step"
    build_wheel(component / "vendor", "alpha", "1.0")
    (component / "main.py").write_text(
        "import alpha, sys\n"
        "def main(number): return [alpha.VERSION, number + 1, list(sys.version_info[:2])]\n"
    )
    (component / "step.json").write_text(json.dumps(PYTHON_STEP))
    result = run_step(component / "step.json", on=runtime)
    assert result.outputs == {"result": ["1.0", 21, [3, 12]]}


def test_a_step_that_fails_says_where(user: User, docker: Engine, tmp_path: Path) -> None:
    language = write_language(tmp_path / "lang", run="echo trouble >&2; exit 3")
    step = write_step(tmp_path / "step")
    with runtime_of(user, docker) as runtime, pytest.raises(StepFailed) as failed:
        run_step(step, on=runtime, languages={"lang": language})
    assert failed.value.phase == "run"
    assert owned(docker) == []


def test_a_step_that_takes_too_long_ends(user: User, docker: Engine, tmp_path: Path) -> None:
    language = write_language(tmp_path / "lang", run="sleep 600")
    step = write_step(tmp_path / "step")
    with runtime_of(user, docker) as runtime, pytest.raises(StepFailed):
        run_step(step, on=runtime, languages={"lang": language}, timeouts={"run": 2})
    assert owned(docker) == []
