"""What can be said of limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.execution.sandbox import SandboxLimits

UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}


def test_all_but_one_are_set_by_default() -> None:
    values = vars(SandboxLimits())
    assert values == {
        "memory": 2**30,
        "total_memory": None,
        "cpu_seconds": 600,
        "processes": 64,
        "file_size": 2**27,
        "disk": 2**27,
        "open_files": 256,
    }


@given(st.integers(64, 10**6), st.sampled_from(list(UNITS)), st.sampled_from(["", " "]))
def test_sizes_have_units(number: int, unit: str, space: str) -> None:
    assert SandboxLimits(file_size=f"{number}{space}{unit}").file_size == number * UNITS[unit]  # type: ignore[arg-type]
    assert SandboxLimits(file_size=f"{number}{space}{unit.lower()}").file_size == number * UNITS[unit]  # type: ignore[arg-type]


@given(st.text())
def test_any_other_text_is_an_error(text: str) -> None:
    try:
        size = SandboxLimits(file_size=text).file_size  # type: ignore[arg-type]
    except UserError as error:
        assert "file_size=" in str(error)
    else:
        assert isinstance(size, int)
        assert text.strip()[0].isdigit()


@pytest.mark.parametrize("name", vars(SandboxLimits()))
def test_no_limit_is_said_by_none(name: str) -> None:
    assert getattr(SandboxLimits.of({name: None}), name) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": 2**20}, "memory=1048576 is too little"),
        ({"memory": "1 MiB"}, "memory='1 MiB' is too little"),
        ({"processes": 0}, "processes=0 is too little"),
        ({"processes": "8"}, "processes='8' is no limit"),
        ({"cpu_seconds": 1.5}, "cpu_seconds=1.5 is no limit"),
        ({"open_files": True}, "open_files=True is no limit"),
        ({"disk": -1}, "disk=-1 is too little"),
        ({"disk": 2**63}, "disk=9223372036854775808 is more than a system can count"),
        ({"memory": "99999999999 GiB"}, "memory='99999999999 GiB' is more than"),
        ({"disk": "5 parsec"}, "disk='5 parsec' is no limit"),
        ({"cpus": 2}, "no limit 'cpus'"),
    ],
)
def test_what_is_no_limit_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError) as raised:
        SandboxLimits.of(options)
    assert message in str(raised.value)
    assert raised.value.hint
