"""Parameters of states: what is given, in layers; what a model makes of it; what is wrong, and where."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field

from groundup.dag import AnyState, Params, ParamsError, Runner, StateGraph, state
from groundup.dag.params import ParamSource, check_params, resolve_params, takes


class Limits(BaseModel):
    cpu: int = 1
    memory: str = "1G"


class Deployment(BaseModel):
    region: str
    version: str = "1"
    replicas: int = Field(default=1, gt=0)
    hosts: list[str] = []
    limits: Limits = Limits()


@state
def deploy(params: Params[Deployment]) -> Deployment:
    return params


@state
def plain() -> int:
    return 1


class Words(BaseModel):
    text: str


@state
def told(params: Params[Words]) -> None: ...


GRAPH = StateGraph([deploy, plain])


def resolved(source: ParamSource, of: AnyState = deploy) -> Any:
    check_params(GRAPH, source)
    return resolve_params(of, source)


def from_file(values: Mapping[str, Any]) -> ParamSource:
    """Return the source of a file in which everything stands at line 7."""
    return ParamSource(values, lambda path: f"groundup.toml:7 {'.'.join(map(str, path))}")


# ── what is given ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("deploy.region=eu", {"region": "eu"}),
        ('deploy.region="eu west"', {"region": "eu west"}),
        ("deploy.region=eu west # 1", {"region": "eu west # 1"}),
        ("deploy.region=", {"region": ""}),
        ("deploy.region=a=b", {"region": "a=b"}),
        ("deploy.region=3.10", {"region": "3.10"}),
        ("deploy.region=true", {"region": "true"}),
        ("deploy.region=2020-02-02", {"region": "2020-02-02"}),
        ("deploy.region=1\nother = 2", {"region": "1\nother = 2"}),
        ("deploy.replicas=3", {"replicas": 3}),
        ('deploy.replicas="3"', {"replicas": 3}),
        ('deploy.hosts=["a", "b"]', {"hosts": ["a", "b"]}),
        ("deploy.limits.memory=2", {"limits": Limits(memory="2")}),
        ("deploy.limits={cpu = 2}", {"limits": Limits(cpu=2)}),
    ],
)
def test_a_setting_is_read_as_the_model_wants_it(setting: str, expected: dict[str, Any]) -> None:
    source = ParamSource.from_settings(["deploy.region=eu", setting])
    assert resolved(source) == Deployment(**{"region": "eu", **expected})


@pytest.mark.parametrize(
    "setting", ["deploy", "deploy=1", "deploy.region", ".region=1", "deploy.=1", "=", ""]
)
def test_a_setting_of_another_form_is_an_error(setting: str) -> None:
    with pytest.raises(ParamsError, match=r"not STATE\.KEY=VALUE") as caught:
        ParamSource.from_settings([setting])
    assert "deploy.region=eu" in caught.value.hint


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_can_be_set(text: str) -> None:
    given_ = resolve_params(told, ParamSource.from_settings([f"told.text={text}"])).text
    assert given_ == text or text.strip()[:1] in {'"', "'"}  # a quoted one is read as TOML


def test_what_is_given_later_counts_key_by_key() -> None:
    file = from_file({"deploy": {"region": "eu", "replicas": 2, "limits": {"cpu": 2, "memory": "2G"}}})
    over = ParamSource.from_settings(["deploy.replicas=3", "deploy.limits.cpu=4", "deploy.replicas=5"])
    assert resolved(over.over(file)) == Deployment(region="eu", replicas=5, limits=Limits(cpu=4, memory="2G"))


def test_a_state_that_is_replaced_is_set_by_its_name_in_the_graph() -> None:
    @state(replaces="deploy")
    def better(replaced: Deployment) -> Deployment:
        return replaced

    with Runner(
        StateGraph([deploy, better]), params=ParamSource.from_settings(["deploy.replaced.region=eu"])
    ) as runner:
        assert runner.reach("deploy").value("deploy").region == "eu"


def test_plain_values_are_a_source_too() -> None:
    with Runner(GRAPH, params={"deploy": {"region": "eu"}}) as runner:
        assert runner.reach("deploy").value("deploy") == Deployment(region="eu")


def test_a_model_with_defaults_needs_nothing() -> None:
    @state
    def limited(params: Params[Limits]) -> Limits:
        return params

    assert resolve_params(limited, ParamSource({})) == Limits()


# ── what is wrong ────────────────────────────────────────────────────────────────────────────────────


def error_of(source: ParamSource) -> ParamsError:
    with pytest.raises(ParamsError) as caught:
        resolved(source)
    assert caught.value.exit_code == 2
    return caught.value


def test_an_unknown_state_is_named_with_the_nearest_and_its_place() -> None:
    error = error_of(from_file({"deplyo": {"region": "eu"}}))
    assert str(error) == "groundup.toml:7 deplyo: there is no state named deplyo"
    assert error.hint == "did you mean deploy?"


def test_a_state_without_parameters_takes_none() -> None:
    error = error_of(ParamSource.from_settings(["plain.size=1"]))
    assert str(error) == f"--set plain: plain ({plain.source}) takes no parameters"


@pytest.mark.parametrize(
    ("setting", "key", "hint"),
    [
        ("deploy.regoin=eu", "regoin", "did you mean region?"),
        ("deploy.limits.mem=1", "limits.mem", "did you mean memory?"),
        ("deploy.zzz=1", "zzz", "there are: region, version, replicas, hosts, limits"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(setting: str, key: str, hint: str) -> None:
    error = error_of(ParamSource.from_settings(["deploy.region=eu", setting]))
    assert str(error) == f"--set deploy.{key}: deploy ({deploy.source}) has no parameter {key}"
    assert error.hint == hint


def test_a_missing_parameter_says_how_to_give_it() -> None:
    error = error_of(ParamSource({}))
    assert str(error) == f"parameters of deploy ({deploy.source}): region is missing"
    assert "--set deploy.region=" in error.hint
    assert "[tool.groundup.neo.params.deploy]" in error.hint


def test_every_wrong_value_is_told_with_where_it_was_given() -> None:
    file = from_file({"deploy": {"region": "eu", "replicas": 0, "hosts": ["a", 1]}})
    over = ParamSource.from_settings(["deploy.limits.cpu=many"])
    message = str(error_of(over.over(file)))
    assert message.startswith(f"parameters of deploy ({deploy.source}): ")
    assert "replicas: Input should be greater than 0 (groundup.toml:7 deploy.replicas)" in message
    assert "hosts.1: Input should be a valid string (groundup.toml:7 deploy.hosts)" in message
    assert "limits.cpu: Input should be a valid integer" in message
    assert "(--set deploy.limits.cpu)" in message


def test_what_is_wrong_is_told_without_the_value_which_may_be_a_secret() -> None:
    assert "s3cret" not in str(error_of(from_file({"deploy": {"region": "eu", "replicas": "s3cret"}})))


def test_it_is_told_before_anything_runs() -> None:
    ran = []

    @state
    def first() -> None:
        ran.append(1)

    @state(needs=[first])
    def second(params: Params[Deployment]) -> None: ...

    with Runner(StateGraph([first, second])) as runner, pytest.raises(ParamsError, match="region is missing"):
        runner.reach("second")
    with pytest.raises(ParamsError, match="no state named thrid"):
        Runner(StateGraph([first, second]), params={"thrid": {}})
    assert ran == []


def test_parameters_of_states_that_are_not_needed_need_not_be_there() -> None:
    with Runner(GRAPH) as runner:
        assert runner.reach("plain").value("plain") == 1


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────


class Aliased(BaseModel):
    plain: int = 1
    python_name: int = Field(1, alias="toml-name")
    either: int = Field(1, validation_alias=AliasChoices("one", AliasPath("two", 0)))


class ByBoth(Aliased):
    model_config = ConfigDict(populate_by_name=True)


class Free(BaseModel):
    model_config = ConfigDict(extra="allow")


@state
def free(params: Params[Free]) -> None: ...


def test_a_model_takes_the_keys_that_it_reads() -> None:
    assert list(takes(Aliased)) == ["plain", "toml-name", "one", "two"]
    assert list(takes(ByBoth)) == ["plain", "python_name", "toml-name", "either", "one", "two"]


def test_a_model_that_allows_any_key_takes_any() -> None:
    source = ParamSource.from_settings(["free.anything=1"])
    check_params(StateGraph([free]), source)
    assert resolve_params(free, source).anything == 1


WITHOUT = """
import sys
from groundup.dag import Runner, StateGraph, state
with Runner(StateGraph([state(lambda: 1, name="one")]), params={}) as runner:
    print(runner.reach("one").value("one"), "pydantic" in sys.modules)
"""


def test_without_parameters_pydantic_is_not_imported() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"
