"""What models make of the parameters that are given, and what is wrong with these, and where."""

from __future__ import annotations

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field

from groundup.dag import Params, ParamsError, Runner, StateGraph, state
from groundup.dag.params.models import check_params, resolve_params, takes
from groundup.dag.params.source import ParamSource
from tests.dag.params.declared import Limits, deploy, from_file, plain, resolved


def test_a_model_with_defaults_needs_nothing() -> None:
    @state
    def limited(params: Params[Limits]) -> Limits:
        return params

    assert resolve_params(limited, ParamSource({})) == Limits()


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


@pytest.mark.parametrize("times", [1, 2])
def test_parameters_of_what_is_replaced_are_told_their_place(times: int) -> None:
    newcomers = [state(lambda replaced: replaced, replaces="deploy") for _ in range(times)]
    below = "deploy" + ".replaced" * times
    with pytest.raises(ParamsError, match=r"^params: deploy \(.*\) takes no parameters$") as caught:
        Runner(StateGraph([deploy, *newcomers]), params={"deploy": {"region": "eu"}})
    assert caught.value.hint == f"give them to {below}, in whose place it stands"
    Runner(StateGraph([deploy, *newcomers]), params={below: {"region": "eu"}})


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
