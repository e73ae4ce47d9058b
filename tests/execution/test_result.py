"""Results and failures."""

import dataclasses
import pickle
from typing import Any

import pytest

from groundup.errors import GroundupError
from groundup.execution import ExecutionFailed, ExecutionResult
from groundup.execution.capture import Captured


def result_of(**values: Any) -> ExecutionResult:
    usual = {
        "exit_code": 0,
        "stdout": "",
        "stderr": "",
        "duration": 1.5,
        "phase": "run",
        "environment": "host",
    }
    return ExecutionResult(**{**usual, **values})


def test_a_result_reads_as_its_stdout() -> None:
    assert str(result_of(stdout="out\n", stderr="err\n")) == "out\n"


@pytest.mark.parametrize(
    "given", ["a\udcff", b"a\xff", Captured(b"a\xff"), Captured(b"a\xff", memory_limit=0)]
)
def test_output_is_text_and_bytes(given: str | bytes | Captured) -> None:
    result = result_of(stdout=given, stderr=given)
    assert result.stdout == result.stderr == "a\udcff"
    assert result.stdout_bytes == result.stderr_bytes == b"a\xff"
    assert list(result.stdout_chunks()) == list(result.stderr_chunks()) == [b"a\xff"]


def test_a_result_is_a_value() -> None:
    result = result_of(stdout="out")
    assert result == result_of(stdout="out") != result_of(stdout="other")
    assert result == pickle.loads(pickle.dumps(result))  # noqa: S301 - our own bytes
    assert [field.name for field in dataclasses.fields(result)] == [
        *("exit_code", "stdout", "stderr", "duration", "phase", "environment"),
    ]
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.exit_code = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("code", "phase", "ok"),
    [(0, "run", True), (1, "run", False), (0, "timeout", False), (0, "resolve", False)],
)
def test_only_a_complete_run_with_exit_code_0_is_ok(code: int, phase: str, ok: bool) -> None:
    assert result_of(exit_code=code, phase=phase).ok is ok


@pytest.mark.parametrize(
    ("values", "message", "hint", "exit_code"),
    [
        ({"exit_code": 3, "stderr": "a\nb\n\n"}, "it failed with exit code 3", "its last words: b", 3),
        ({"exit_code": 137}, "it was ended by SIGKILL", "it wrote nothing to stderr", 137),
        ({"exit_code": 250}, "it failed with exit code 250", "it wrote nothing to stderr", 250),
        (
            {"exit_code": 137, "phase": "timeout"},
            "it did not end within 1.5 s and was killed",
            "nothing",
            137,
        ),
        ({"exit_code": 2, "phase": "resolve", "stderr": "error: no"}, "it cannot run: no", "no", 1),
    ],
)
def test_a_failure_says_what_happened(
    values: dict[str, Any], message: str, hint: str, exit_code: int
) -> None:
    failed = ExecutionFailed(result_of(**values), "it")
    assert isinstance(failed, GroundupError)
    assert str(failed) == message
    assert hint in failed.hint
    assert failed.exit_code == exit_code
    assert failed.phase == failed.result.phase == values.get("phase", "run")


def test_a_failure_travels_between_processes() -> None:
    failed = ExecutionFailed(result_of(exit_code=3, stdout="out"), "it", hint="try")
    copy = pickle.loads(pickle.dumps(failed))  # noqa: S301 - our own bytes
    assert (str(copy), copy.hint, copy.result, copy.exit_code) == (str(failed), "try", failed.result, 3)
