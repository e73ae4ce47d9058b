"""Settings of a container: sizes, names, mistakes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.execution.container.config import ContainerConfig, container_config


@given(number=st.integers(1, 900), unit=st.sampled_from(["m", "M", "mb", "MiB", " m", "g", "G", "GiB"]))
def test_sizes_are_bytes_or_text(number: int, unit: str) -> None:
    factor = 2**30 if "g" in unit.lower() else 2**20
    assert container_config({"memory": f"{number}{unit}"}).memory == number * factor
    assert container_config({"memory": number * factor}).memory == number * factor


@pytest.mark.parametrize("value", ["", "much", "-1m", "1 m m", 5, None, [], "1k"])
def test_what_is_no_size_is_refused(value: object) -> None:
    with pytest.raises(UserError, match=r"memory=.* is not possible for a container"):
        container_config({"memory": value})


def test_defaults_isolate() -> None:
    config = ContainerConfig()
    assert config.network is False
    assert config.mounts == []
    assert config.user is None
    assert 0 < config.memory <= 4 * 2**30
    assert config.pids <= 1024
    assert config.inside_container == "host"


@pytest.mark.parametrize(
    ("name", "near"),
    [("memroy", "memory"), ("gpu", "gpus"), ("netwrok", "network"), ("mem_limits", "mem_limit")],
)
def test_an_unknown_name_is_an_error_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UserError, match=f"no setting '{name}'") as refused:
        container_config({name: 1})
    assert refused.value.hint == f"did you mean '{near}'?"


def test_an_unknown_name_that_is_near_to_nothing_lists_all() -> None:
    with pytest.raises(UserError) as refused:
        container_config({"xyzzy": 1})
    assert "memory" in refused.value.hint


def test_names_of_the_sdk_are_known() -> None:
    config = container_config({"mem_limit": "64m", "pids_limit": 9, "network_mode": "some"})
    assert (config.memory, config.pids, config.network) == (64 * 2**20, 9, "some")


@pytest.mark.parametrize("user", ["0:0", "root", "0", "1000", "-1:5", 1000])
def test_a_container_never_runs_as_root(user: object) -> None:
    with pytest.raises(UserError, match=r"user=.* is not possible") as refused:
        container_config({"user": user})
    assert "never runs as root" in refused.value.hint


@pytest.mark.parametrize("gpus", ["all", 2, ["0", "GPU-1"]])
def test_gpus(gpus: object) -> None:
    assert container_config({"gpus": gpus}).gpus == gpus


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gpus", "some"),
        ("gpus", 0),
        ("pull", "often"),
        ("cpus", 0),
        ("mounts", [{"source": "/x"}]),
        ("warm", -1),
    ],
)
def test_a_value_that_cannot_be(name: str, value: object) -> None:
    with pytest.raises(UserError, match=f"{name}=.* is not possible"):
        container_config({name: value})
