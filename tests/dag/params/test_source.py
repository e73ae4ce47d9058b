"""What is given to states: settings as text, and layers of which the later one counts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag import ParamsError
from groundup.dag.params.models import resolve_params
from groundup.dag.params.source import ParamSource
from tests.dag.params.declared import Deployment, Limits, from_file, resolved, told


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
