"""From what a Python is to the wheels that fit it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.execution.container.errors import ImageMissing
from groundup.execution.container.platforms import Facts

PYTHON = Facts("/usr/local/bin/python3.12", (3, 12, 4), "cpython", "x86_64", "glibc", "2.36", True)


def facts(**changes: object) -> Facts:
    return Facts.read(json.dumps(json.loads(PYTHON.text()) | changes))


def test_facts_are_read_as_they_were_told() -> None:
    assert Facts.read(PYTHON.text()) == PYTHON
    assert (PYTHON.python, PYTHON.full_version) == ("3.12", "3.12.4")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "1", '{"version": [3]}', '{"version": [3, 12, 4], "new": 1}']
)
def test_what_are_no_facts(text: str) -> None:
    with pytest.raises(ValueError):
        Facts.read(text)


@given(st.integers(17, 60))
def test_glibc_gets_the_newest_wheels_that_it_can_run(minor: int) -> None:
    name, _, wanted = facts(libc_version=f"2.{minor}").platform.rpartition("_")
    assert name == "x86_64-manylinux_2"
    assert 17 <= int(wanted) <= minor
    assert int(wanted) > minor - 12 or minor > 40


@pytest.mark.parametrize(
    ("machine", "told"), [("x86_64", "x86_64"), ("arm64", "aarch64"), ("AMD64", "x86_64")]
)
def test_musl_is_kept_apart(machine: str, told: str) -> None:
    assert facts(libc="musl", libc_version="1.2", machine=machine).platform == f"{told}-unknown-linux-musl"


@pytest.mark.parametrize(
    "changes",
    [
        {"libc_version": "2.12"},
        {"libc": "musl", "libc_version": "1.1"},
        {"libc": "", "libc_version": ""},
        {"implementation": "pypy"},
        {"machine": "sparc64"},
    ],
)
def test_what_has_no_wheels_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ImageMissing, match="no wheels for the image's Python") as refused:
        _ = facts(**changes).platform
    assert "python_tag" in refused.value.hint
