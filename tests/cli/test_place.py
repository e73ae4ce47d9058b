"""Options that say where something runs: what they ask for, what is refused, what is told."""

from __future__ import annotations

import sys

import pytest

from groundup import ExecutionRuntime, SandboxExecutionRuntime, UserError
from groundup.cli.place import Where, runtime_at
from groundup.execution.container import IsolatedExecutionRuntime
from groundup.execution.container.engine import Engine
from tests.support.containers import TAG, docker, share_facts
from tests.support.requirements import require
from tests.support.users import User, small_index, user, uv, wheels

__all__ = ["docker", "small_index", "user", "uv", "wheels"]


def test_without_options_it_is_the_host() -> None:
    with runtime_at(Where()) as runtime:
        assert type(runtime) is ExecutionRuntime


def test_a_sandbox_with_its_settings(user: User) -> None:
    require(sys.platform == "linux", "Linux")
    where = Where("sandbox", memory="256m", network=True, others=["processes=4", "total_memory=null"])
    with runtime_at(where) as runtime:
        assert isinstance(runtime, SandboxExecutionRuntime)
        assert runtime.network
        assert (runtime.limits.memory, runtime.limits.processes) == (256 * 2**20, 4)
        assert runtime.limits.total_memory is None


def test_a_container_with_its_settings_is_closed_afterwards(user: User, docker: Engine) -> None:
    share_facts(user)
    others = ("pids=32", "pull=never", "inside_container=isolate", f"engine={docker.url}")
    where = Where("container", image=f"python:{TAG}", memory="128m", others=others)
    with runtime_at(where) as runtime:
        assert isinstance(runtime, IsolatedExecutionRuntime)
        config = runtime.config
        assert (config.image, config.memory, config.pids) == (f"python:{TAG}", 128 * 2**20, 32)
        assert config.network is False
        assert runtime.run_script(b"print(1)").stdout == "1\n"


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (Where(memory="1g"), "--memory means nothing on the host"),
        (Where(network=True), "--network means nothing on the host"),
        (Where(others=["pids=3"]), "--setting means nothing on the host"),
        (Where("sandbox", image="x"), "--image is for containers"),
        (Where("sandbox", others=["pids"]), "--setting 'pids' is not NAME=VALUE"),
        (Where("sandbox", others=["isolate=false"]), "--setting 'isolate=false' is not NAME=VALUE"),
        (Where("sandbox", others=["pids=1", "pids=2"]), "--setting 'pids=2' is there already"),
        (Where("sandbox", memory="1g", others=["memory=2g"]), "--setting 'memory=2g' is there already"),
        (Where("sandbox", others=["proceses=1"]), "a sandbox has no limit 'proceses'"),
        (Where("sandbox", others=["self=1"]), "a sandbox has no limit 'self'"),
        (Where("container", others=["memroy=1g"]), "a container has no setting 'memroy'"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_cannot_be_is_refused(where: Where, told: str) -> None:
    with pytest.raises(UserError) as refused, runtime_at(where):
        pass
    assert told in str(refused.value)
    assert refused.value.hint
