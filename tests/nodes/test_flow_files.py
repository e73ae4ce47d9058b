"""Flow files: one model for TOML, YAML and JSON, and errors that say where."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli_w
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.nodes.flow_files import FlowFileError, read_flow, read_flows
from groundup.nodes.flow_files.schemas import FILE, made, published

FULL: dict[str, Any] = {
    "name": "welcome",
    "namespace": "shop",
    "description": "Greets everybody.",
    "secrets": {"token": {"variable": "SHOP_TOKEN"}},
    "retry_policy": {"max_retries": 1, "strategy": "LINEAR_FULL_JITTER", "backoff_factor": 10},
    "store_config": {"required_keys": ["day"], "default_values": {"limit": 3}},
    "triggers": [
        {
            "expression": "0 9 * * MON-FRI",
            "timezone": "Europe/Berlin",
            "overlap": "QUEUE",
            "missed": "ALL",
            "store": {"day": "today"},
        }
    ],
    "nodes": [
        {
            "node_name": "Greet",
            "identifier": "greet",
            "inputs": {"names": ["Ada"], "times": 1, "text": "on ${{ store.day }}", "loud": True},
            "next_nodes": ["shout"],
        },
        {
            "node_name": "Shout",
            "namespace": "other",
            "identifier": "shout",
            "timeout": 5000,
            "retry_policy": {"max_retries": 0},
            "next_nodes": ["join"],
        },
        {"node_name": "Join", "identifier": "join", "unites": "greet"},
    ],
}
WRITERS: dict[str, Callable[[Any], str]] = {
    "toml": tomli_w.dumps,
    "yaml": lambda value: str(yaml.safe_dump(value)),
    "json": json.dumps,
}
NODE = {"node_name": "Node", "identifier": "a"}


def written(folder: Path, value: Any, kind: str = "toml", name: str = "flow") -> Path:
    path = folder / f"{name}.{kind}"
    path.write_text(WRITERS[kind](value))
    return path


def wrong(path: Path) -> list[str]:
    """What is told of a file, its folder left out."""
    with pytest.raises(FlowFileError) as error:
        read_flow(path)
    assert error.value.exit_code == 2 and error.value.hint
    return str(error.value).replace(f"{path.parent}/", "").splitlines()


@pytest.mark.parametrize("kind", WRITERS)
def test_each_form_says_the_same(tmp_path: Path, kind: str) -> None:
    flow = read_flow(written(tmp_path, FULL, kind))
    request = flow.request({"SHOP_TOKEN": "secret"}).model_dump(mode="json")
    assert (flow.name, flow.namespace) == ("welcome", "shop")
    assert request == {
        "secrets": {"token": "secret"},
        "retry_policy": {
            "max_retries": 1,
            "strategy": "LINEAR_FULL_JITTER",
            "backoff_factor": 10,
            "exponent": 2,
            "max_delay": None,
        },
        "store_config": {"required_keys": ["day"], "default_values": {"limit": "3"}},
        "triggers": [{"type": "CRON", "value": FULL["triggers"][0]}],
        "nodes": [
            {
                "node_name": "Greet",
                "namespace": "shop",
                "identifier": "greet",
                "inputs": {"names": '["Ada"]', "times": "1", "text": "on ${{ store.day }}", "loud": "true"},
                "next_nodes": ["shout"],
                "unites": None,
            },
            {
                "node_name": "Shout",
                "namespace": "other",
                "identifier": "shout",
                "inputs": {},
                "next_nodes": ["join"],
                "unites": None,
                "timeout": 5000,
                "retry_policy": {
                    "max_retries": 0,
                    "strategy": "EXPONENTIAL",
                    "backoff_factor": 2000,
                    "exponent": 2,
                    "max_delay": None,
                },
            },
            {
                "node_name": "Join",
                "namespace": "shop",
                "identifier": "join",
                "inputs": {},
                "next_nodes": [],
                "unites": {"identifier": "greet", "strategy": "ALL_SUCCESS"},
            },
        ],
    }


TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs=st.dictionaries(TEXTS, VALUES, max_size=4))
def test_inputs_travel_as_text_from_each_form(tmp_path: Path, inputs: dict[str, Any]) -> None:
    for kind in WRITERS:
        flow = read_flow(written(tmp_path, {"nodes": [{**NODE, "inputs": inputs}]}, kind))
        sent = flow.request({}).nodes[0].inputs
        texts = {name for name, value in inputs.items() if isinstance(value, str)}
        assert {name: text if name in texts else json.loads(text) for name, text in sent.items()} == inputs


def test_names_and_namespaces_have_defaults(tmp_path: Path) -> None:
    (flow,) = read_flows([written(tmp_path, {"nodes": [NODE]}, name="nightly")], "shop")
    assert (flow.name, flow.namespace) == ("nightly", "shop")
    assert flow.request({}).nodes[0].namespace == "shop"


def test_everything_that_is_wrong_is_told_with_its_line_and_the_nearest_key(tmp_path: Path) -> None:
    path = tmp_path / "flow.toml"
    path.write_text(
        "nodez = 1\n[retry_policy]\nmax_retry = 3\nstrategy = 'SLOW'\n"
        "[[nodes]]\nnode_name = 'Greet'\nidentifier = 'store'\nnext_node = ['x']\n"
        "[[nodes]]\nidentifier = 'b'\ntimeout = 0\n"
    )
    told = wrong(path)
    assert "flow.toml:1: nodez: unknown key; did you mean 'nodes'?" in told
    assert "flow.toml:3: retry_policy.max_retry: unknown key; did you mean 'max_retries'?" in told
    assert any(line.startswith("flow.toml:4: retry_policy.strategy: Input should be") for line in told)
    assert "flow.toml:7: nodes.0.identifier: Node identifier cannot be reserved word 'store'" in told
    assert "flow.toml:8: nodes.0.next_node: unknown key; did you mean 'next_nodes'?" in told
    assert "flow.toml:9: nodes.1.node_name: it is missing" in told
    assert "flow.toml:11: nodes.1.timeout: Input should be greater than 0" in told
    assert len(told) == 7


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_lines_are_known_in_other_forms_too(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"flow.{kind}"
    path.write_text(json.dumps({"nodes": [{**NODE, "colour": 1}]}, indent=1))
    assert wrong(path)[0].startswith(f"flow.{kind}:6: nodes.0.colour: unknown key; known: node_name, ")


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ([NODE, NODE], "nodes.1.identifier: there is a node 'a' already"),
        ([{**NODE, "next_nodes": ["aa"]}], "nodes.0.next_nodes.0: there is no node 'aa'; did you mean 'a'?"),
        ([{**NODE, "unites": "zz"}], "nodes.0.unites: there is no node 'zz'"),
        ([], "nodes: List should have at least 1 item after validation, not 0"),
    ],
)
def test_what_does_not_fit_together_is_told(tmp_path: Path, nodes: list[Any], told: str) -> None:
    (line,) = wrong(written(tmp_path, {"nodes": nodes}, "json"))
    assert line.partition(": ")[2] == told


def test_no_secret_stands_in_a_file_or_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, {"secrets": {"token": "hunter2"}, "nodes": [NODE]})
    (told,) = wrong(path)
    assert told.endswith('a secret never stands in the file: write { variable = "NAME" } in its place')
    assert "hunter2" not in told


def test_a_list_names_secrets_and_their_variables_at_once(tmp_path: Path) -> None:
    flow = read_flow(written(tmp_path, {"secrets": ["TOKEN"], "nodes": [NODE]}))
    assert flow.request({"TOKEN": "x"}).secrets == {"TOKEN": "x"}
    with pytest.raises(FlowFileError, match=r"flow.toml:1: secrets.TOKEN: the variable TOKEN is not set"):
        flow.request({})


def test_folders_are_searched_and_every_flow_is_there_once(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    written(tmp_path, {"nodes": [NODE]}, "toml", "b")
    written(tmp_path / "below", {"nodes": [NODE]}, "yaml", "a")
    (tmp_path / "README.md").touch()
    assert [flow.name for flow in read_flows([tmp_path])] == ["b", "a"]
    written(tmp_path, {"nodes": [NODE]}, "json", "a")
    with pytest.raises(FlowFileError, match=r"the flow a of namespace default is also in .*a\.json"):
        read_flows([tmp_path])


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("flow.ini", "", "a flow file ends with .yaml, .yml, .json, .toml"),
        ("flow.toml", "nodes = [", "not valid TOML"),
        ("flow.json", '{"nodes": [}', "not valid JSON"),
        ("flow.yaml", "a: *b", "not valid YAML"),
        ("flow.yaml", "- a", "the flow: it is no table of keys and values"),
    ],
)
def test_what_is_no_flow_file_is_told(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    assert told in wrong(tmp_path / name)[0]


def test_without_what_reads_yaml_the_other_forms_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.delitem(sys.modules, "groundup.execution.languages.strict_yaml", raising=False)
    with pytest.raises(UserError, match=r"flows in YAML need groundup\[languages\]: yaml is not installed"):
        read_flow(written(tmp_path, {"nodes": [NODE]}, "yaml"))
    assert read_flow(written(tmp_path, {"nodes": [NODE]}, "toml")).name == "flow"
    (told,) = wrong(written(tmp_path, {"nodes": [{**NODE, "colour": 1}]}, "json"))  # without its line
    assert told.startswith("flow.json: nodes.0.colour: unknown key")


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    assert wrong(tmp_path / "flow.toml") == ["cannot read the flow flow.toml: No such file or directory"]
    with pytest.raises(FlowFileError, match="has no flow files"):
        read_flows([tmp_path])


def test_the_published_schema_is_that_of_the_models_and_takes_what_they_take() -> None:
    assert published() == made(), f"write made() into {FILE.name}"
    schema = json.loads(published())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(FULL, schema)
    jsonschema.validate({"secrets": ["TOKEN"], "nodes": [NODE]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"nodes": [{**NODE, "colour": 1}]}, schema)
