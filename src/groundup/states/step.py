"""A step in any language, executed by a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from groundup.config import Config
from groundup.dag import state
from groundup.states.execution import runtime_for

if TYPE_CHECKING:
    from groundup.execution import ExecutionRuntime
    from groundup.states.execution_parameters import StepExecution


class StepReport(NamedTuple):
    """A step that was executed.

    :ivar step: its name.
    :ivar environment: where it ran, such as ``host:pid-namespace``.
    :ivar outputs: the checked value of each output, by name.
    """

    step: str
    environment: str
    outputs: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.step}: {', '.join(f'{name} = {value!r}' for name, value in self.outputs.items())}"


@state(params="groundup.states.execution_parameters:StepExecution")
def step_executed(config: Config, execution_runtime: ExecutionRuntime, params: StepExecution) -> StepReport:
    """A step is executed: its inputs checked, its language installed, its dependencies supplied."""
    from groundup.execution.languages import run_step
    from groundup.execution.languages.outputs import write_outputs
    from groundup.execution.languages.settings import languages_of
    from groundup.states.importing import append_path

    append_path(config.root)  # a step may name a pydantic model of the repository
    with runtime_for(params, execution_runtime) as runtime:
        result = run_step(
            config.root / params.step,
            on=runtime,
            inputs=params.inputs,
            artifacts={name: config.root / path for name, path in params.artifacts.items()},
            component=config.root / params.component if params.component else None,
            languages=languages_of(config),
            timeouts=params.timeouts,
            env=params.env,
            on_stdout=_relay,
            on_stderr=_relay,
        )
    if params.output:
        write_outputs(config.root / params.output, result.outputs)
    return StepReport(result.step, result.environment, dict(result.outputs))


def _relay(text: str) -> None:
    print(text, end="", flush=True)
