"""``step_executed``: a step in any language as a state."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from groundup.config import Config
from groundup.dag import ParamsError, Report, Runner, State, StateGraph, state
from groundup.execution.languages import CommandRuntime, StepFailed
from groundup.states import builtin_graph
from groundup.states.step import StepReport
from tests.execution.languages.test_runtime import Recorded
from tests.support.clients import client, imports_undone
from tests.support.languages import write_language, write_step
from tests.support.requirements import require

NEO = '[neo.languages]\nlang = "tools/lang"\n'
RUN = """
{ cat "$GROUNDUP_STEP_COMPONENT/prefix"; printf %s "$LEVEL"; } > "$GROUNDUP_STEP_OUTPUTS/word.txt"
cp "$GROUNDUP_STEP_INPUTS/point.json" "$GROUNDUP_STEP_OUTPUTS"
"""
MODELS = "from pydantic import BaseModel\nclass Point(BaseModel):\n    x: int\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A repository with a language, a step in it, and the model of its input."""
    monkeypatch.setenv("GROUNDUP_HOME", str(tmp_path / "groundup"))
    root = tmp_path / "repo"
    made = client(root, {"models_of_steps.py": MODELS, "code/prefix": "code ", "given.json": '{"x": 2}'}, NEO)
    write_language(root / "tools/lang", run=RUN)
    write_step(
        root / "steps",
        inputs={"point": "point"},
        outputs={"word": "string", "point": "point"},
        types={"point": {"model": "models_of_steps:Point"}},
        env={"LEVEL": "low"},
    )
    (root / "steps/prefix").write_text("beside ")
    with imports_undone(root):
        yield made


def reach(config: Config, runtime: CommandRuntime | None = None, **params: Any) -> Report:
    given = {"step_executed": {"step": "steps/step.json", **params}}
    values: dict[str, Any] = {"config": config, **({"execution_runtime": runtime} if runtime else {})}
    with Runner(builtin_graph(), overrides=values, params=given) as runner:
        return runner.reach("step_executed")


def test_a_step_is_executed_with_parameters(config: Config) -> None:
    (config.root / "out").mkdir()
    report = reach(
        config,
        artifacts={"point": "given.json"},
        component="code",
        env={"LEVEL": "high"},
        timeouts={"run": 60},
        output="out",
    )
    value = report.value("step_executed")
    assert value.outputs == {"word": "code high", "point": {"x": 2}}
    assert str(value) == "step: word = 'code high', point = {'x': 2}"
    assert value.environment.startswith("host:")
    assert json.loads((config.root / "out/point.json").read_text()) == {"x": 2}


def test_inputs_are_checked_before_anything_starts(config: Config) -> None:
    report = reach(config, inputs={"point": {"x": "two"}})
    (failure,) = report.failures
    assert "input point: x: Input should be a valid integer" in str(failure.error)
    assert not (config.root.parent / "groundup").exists()


def test_a_step_that_fails_fails_the_state(config: Config) -> None:
    write_language(config.root / "tools/lang", run="echo why >&2; exit 4")
    (failure,) = reach(config, inputs={"point": {"x": 1}}).failures
    assert isinstance(failure.error, StepFailed)
    assert failure.error.exit_code == 4


def test_it_has_to_know_which_step(config: Config) -> None:
    with (
        Runner(builtin_graph(), overrides={"config": config}) as runner,
        pytest.raises(ParamsError, match="step is missing"),
    ):
        runner.reach("step_executed")


def test_it_runs_where_the_runtime_says(config: Config) -> None:
    runtime = Recorded()
    report = reach(config, runtime=runtime, inputs={"point": {"x": 1}})
    assert report.value("step_executed").outputs["point"] == {"x": 1}
    assert [command.env["GROUNDUP_STEP_PHASE"] for command in runtime.commands] == [
        "install",
        "supply",
        "run",
    ]


def test_it_runs_where_its_own_parameters_say(config: Config) -> None:
    require(sys.platform == "linux", "Linux")
    runtime = Recorded()
    for isolate, place in (("sandbox", "sandbox:bubblewrap"), (False, "host:")):
        report = reach(config, runtime=runtime, inputs={"point": {"x": 1}}, isolate=isolate)
        assert report.value("step_executed").environment.startswith(place)
    assert runtime.commands == []


def test_a_client_replaces_and_extends_it(config: Config) -> None:
    @state(replaces="step_executed")
    def step_executed(replaced: StepReport) -> StepReport:
        """With a word of its own."""
        return replaced._replace(outputs={**replaced.outputs, "more": 1})

    @state
    def counted(step_executed: StepReport) -> int:
        """Counts outputs."""
        return len(step_executed.outputs)

    own: list[State[..., Any]] = [step_executed, counted]
    graph = StateGraph([*builtin_graph(), *own])
    with Runner(
        graph,
        overrides={"config": config},
        params={"step_executed.replaced": {"step": "steps/step.json", "inputs": {"point": {"x": 1}}}},
    ) as runner:
        assert runner.reach("counted").value("counted") == 3
