"""Asking for a container: inside of one it is the host, said aloud, unless that is forbidden or overruled."""

from __future__ import annotations

import pytest

from groundup import ExecutionRuntime, UserError, create_execution_runtime
from groundup.execution.container import IsolatedExecutionRuntime, NotIsolatedWarning, choice
from groundup.execution.container.engine import Engine
from tests.support.containers import TAG
from tests.support.users import User


@pytest.fixture(params=[True, "container"])
def isolate(request: pytest.FixtureRequest) -> bool:
    """Each way to ask for a container."""
    chosen: bool = request.param
    return chosen


def place(monkeypatch: pytest.MonkeyPatch, evidence: str | None) -> None:
    """Say where this process is: the signs themselves have tests of their own."""
    monkeypatch.setattr(choice, "inside_container", lambda: evidence)


def test_on_a_machine_it_is_a_container(
    isolate: bool, user: User, docker: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(monkeypatch, None)
    runtime = create_execution_runtime(isolate, TAG, memory="256m")
    assert isinstance(runtime, IsolatedExecutionRuntime)
    with runtime:
        assert runtime.config.memory == 256 * 2**20
        assert runtime.environment == "container:docker"


def test_inside_of_a_container_it_is_the_host_said_aloud(
    isolate: bool, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(monkeypatch, "/.dockerenv")
    with pytest.warns(
        NotIsolatedWarning, match=r"already inside a container \(/\.dockerenv\).* not isolated"
    ):
        runtime = create_execution_runtime(isolate, TAG)
    assert type(runtime) is ExecutionRuntime
    assert runtime.run_script(b"print(1)").environment.startswith("host:")


def test_where_isolation_is_required_that_is_an_error(isolate: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    place(monkeypatch, "/run/.containerenv")
    with pytest.raises(UserError, match=r"in a container itself \(/run/\.containerenv\)") as refused:
        create_execution_runtime(isolate, require_isolation=True)
    assert "inside_container='isolate'" in refused.value.hint


def test_an_engine_can_be_used_all_the_same(
    isolate: bool, user: User, docker: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(monkeypatch, "/.dockerenv")
    runtime = create_execution_runtime(isolate, TAG, inside_container="isolate", require_isolation=True)
    assert isinstance(runtime, IsolatedExecutionRuntime)
    runtime.close()


def test_a_wrong_setting_is_wrong_everywhere(isolate: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    place(monkeypatch, "/.dockerenv")
    with pytest.raises(UserError, match="no setting 'memroy'"):
        create_execution_runtime(isolate, memroy="1g")


def test_tag_and_image_exclude_each_other(docker: Engine) -> None:
    with pytest.raises(UserError, match="both name the image"):
        IsolatedExecutionRuntime("3.12", image="python:3.12")
