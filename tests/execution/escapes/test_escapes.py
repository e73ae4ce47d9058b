"""No hostile script gets out of a sandbox; each gets what it wants on the host, or without its one limit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest

from groundup import ExecutionResult, ExecutionRuntime, SandboxExecutionRuntime
from groundup.execution.sandbox import SandboxError
from tests.execution.escapes.attack import ESCAPED, STARTED, Attack
from tests.execution.escapes.attacks import ATTACKS
from tests.execution.escapes.world import World
from tests.support.requirements import require

PATIENCE = 60  # seconds


def sandbox(limits: Mapping[str, Any]) -> SandboxExecutionRuntime:
    """Return a sandbox; skip the test where none can be had."""
    try:
        return SandboxExecutionRuntime(**limits)
    except SandboxError as error:
        require(False, f"what a sandbox needs: {error}")
        raise


def let_loose(runtime: ExecutionRuntime, attack: Attack, world: World, **options: Any) -> ExecutionResult:
    """Run the attack."""
    return runtime.run_script(attack.script, world.told, check=False, timeout=PATIENCE, **options)


def outcome(result: ExecutionResult) -> str:
    """Return what an attack said last."""
    lines = result.stdout.split()
    assert lines, f"it did not start: {result.stderr}"
    return lines[-1]


def check_stopped(result: ExecutionResult, world: World) -> None:
    """Fail when an attack got through."""
    assert outcome(result) == STARTED
    assert result.exit_code != 0
    assert result.phase == "run"
    world.check_unharmed()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_is_stopped_in_a_sandbox(attack: Attack, world: World) -> None:
    check_stopped(let_loose(sandbox(attack.limits), attack, world), world)


@pytest.mark.parametrize(
    "attack", [each for each in ATTACKS if each.lifted is None], ids=lambda attack: attack.name
)
def test_it_is_stopped_in_a_folder_of_the_caller(attack: Attack, world: World) -> None:
    check_stopped(let_loose(sandbox(attack.limits), attack, world, cwd=world.work), world)
    assert {path.lstat().st_uid for path in (world.work, *world.work.rglob("*"))} == {os.getuid()}


@pytest.mark.parametrize(
    "attack", [each for each in ATTACKS if each.lifted is None], ids=lambda attack: attack.name
)
def test_it_gets_through_on_the_host(attack: Attack, world: World) -> None:
    require(not attack.needs_root or os.geteuid() == 0, "root, whom this attack needs on the host")
    result = let_loose(ExecutionRuntime("supervisor"), attack, world, cwd=world.work)
    assert outcome(result) == ESCAPED, result.stderr


@pytest.mark.parametrize(
    "attack", [each for each in ATTACKS if each.lifted is not None], ids=lambda attack: attack.name
)
def test_it_gets_through_without_that_limit(attack: Attack, world: World) -> None:
    assert attack.lifted is not None
    result = let_loose(sandbox({**attack.limits, attack.lifted: None}), attack, world)
    assert outcome(result) == ESCAPED, result.stderr


def test_there_are_enough_of_them() -> None:
    assert len(ATTACKS) >= 20
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
