"""What a runtime needs before it starts, and what it says when that is missing."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from groundup.errors import UserError
from groundup.nodes import BaseNode, Runtime, StateManager, set_embedded_manager
from groundup.nodes.base import registration
from groundup.nodes.errors import RuntimeConfigurationError

URI, KEY = "EXOSPHERE_STATE_MANAGER_URI", "EXOSPHERE_API_KEY"


class Plain(BaseNode):
    async def execute(self) -> None:
        """Nothing."""


class Annotations(BaseNode):
    class Inputs(BaseModel):
        text: Annotated[str, Field(min_length=1)] = "x"

    async def execute(self) -> None:
        """Nothing."""


def runtime(*nodes: type[Any], **more: Any) -> Runtime:
    return Runtime("ns", "rt", list(nodes), **{"state_manager_uri": "http://x", "key": "k", **more})


def message(*nodes: type[Any], **more: Any) -> str:
    with pytest.raises(RuntimeConfigurationError) as caught:
        runtime(*nodes, **more)
    assert isinstance(caught.value, UserError)
    assert isinstance(caught.value, ValueError)  # as the protocol's own SDK raises
    return str(caught.value)


def test_the_checks_come_in_the_protocols_order() -> None:
    wrong: dict[str, Any] = {"batch_size": 0, "workers": 0, "state_manager_uri": None, "key": None}
    assert message(int, **wrong) == "Batch size should be at least 1"
    assert message(int, **{**wrong, "batch_size": 1}) == "Workers should be at least 1"
    assert message(int, state_manager_uri=None, key=None) == "State manager URI is not set"
    assert message(int, key=None) == "API key is not set"
    assert message(int).startswith("Following errors while validating nodes: ")


@pytest.mark.parametrize(
    "uri",
    ["127.0.0.1:8000", "localhost:8000", "ftp://manager", "http://", "http://manager:80a", "http://[::1"],
)
def test_an_address_that_nothing_can_be_asked_at_is_refused(uri: str) -> None:
    assert message(Plain, state_manager_uri=uri) == f"State manager URI is no address of HTTP: {uri}"
    with pytest.raises(RuntimeConfigurationError, match="State manager URI is no address of HTTP"):
        StateManager("ns", uri, "k")
    assert message(Plain, state_manager_uri="you:password@manager").endswith("of HTTP: manager")


def test_only_one_of_uri_and_key_is_an_error_even_with_an_embedded_manager() -> None:
    set_embedded_manager(lambda: contextlib.nullcontext(_Address()))
    assert message(Plain, state_manager_uri=None) == "State manager URI is not set"
    assert message(Plain, key=None) == "API key is not set"
    assert message(Plain, state_manager_uri=None, key=None, embedded=False) == "State manager URI is not set"
    runtime(Plain, state_manager_uri=None, key=None)


def test_variables_fill_what_is_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URI, "http://variable/")
    monkeypatch.setenv(KEY, "variable")
    assert runtime(Plain, state_manager_uri=None, key=None)
    assert StateManager("ns")
    monkeypatch.setenv(KEY, "")
    assert message(Plain, state_manager_uri=None, key=None) == "API key is not set"


def test_a_client_without_an_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="State manager URI is not set"):
        StateManager("ns")
    with pytest.raises(ValueError, match="API key is not set"):
        StateManager("ns", "http://x")


def test_both_spellings_of_the_version_are_known() -> None:
    assert runtime(Plain, state_manage_version="v9")
    assert runtime(Plain, state_manager_version="v9")
    assert StateManager("ns", "http://x", "k", state_manage_version="v9")


def test_a_node_is_registered_by_its_class_name_with_the_schemas_of_its_fields() -> None:
    class Keeper(Annotations):
        class Secrets(BaseModel):
            token: str
            other: int = Field(alias="other-key")

    sent = registration(Keeper)
    assert (sent["name"], sent["secrets"]) == ("Keeper", ["token", "other-key"])
    assert sent["inputs_schema"]["properties"]["text"]["type"] == "string"
    assert sent["outputs_schema"] == {
        "description": "No outputs.",
        "properties": {},
        "title": "Outputs",
        "type": "object",
    }


def test_good_nodes_pass() -> None:
    assert runtime()
    assert runtime(Plain, Annotations)


def test_every_problem_of_every_node_is_named() -> None:
    class NotANode:
        Outputs = dict

    class Wrong(BaseNode):
        class Inputs(BaseModel):
            call: Callable[[], None]

        class Outputs:
            text: str

        Secrets = "s"  # type: ignore[assignment]

        async def execute(self) -> None:
            """Nothing."""

    also_plain = type("Plain", (Plain,), {})
    expected = "\n".join(
        [
            "NotANode does not inherit from exospherehost.BaseNode",
            "NotANode does not have an Inputs class",
            "NotANode does not have an Outputs class that inherits from pydantic.BaseModel",
            "NotANode does not have an Secrets class",
            "Wrong does not have an Outputs class that inherits from pydantic.BaseModel",
            "Wrong does not have an Secrets class that inherits from pydantic.BaseModel",
            "Wrong.Inputs has a field that JSON cannot say: Cannot generate a JsonSchema for "
            "core_schema.CallableSchema",
            "Duplicate node class names found: ['Plain']",
        ]
    )
    text = message(NotANode, Wrong, Plain, also_plain)
    assert text == f"Following errors while validating nodes: {expected}"


def test_importing_nodes_is_light() -> None:
    code = (
        "import sys, groundup.nodes, groundup; "
        "from groundup.nodes import Runtime, StateManager, BaseNode; "
        "heavy = {'fastapi', 'uvicorn', 'sqlalchemy', 'groundup.manager'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert output.stdout.strip() == "[]"


class _Address:
    uri = "http://127.0.0.1:1"
    key = "k"
