"""What a repository gets when it takes groundup in."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup import proto_kernel
from groundup.config.starter import IGNORED, extended_gitignore, starter_config


def uncommented(text: str) -> str:
    """Return the text with every line that holds a key or a table header uncommented."""
    return re.sub(r"(?m)^# (\[\w+\]|\w+ = )", r"\1", text)


def test_everything_is_commented_out() -> None:
    assert tomllib.loads(starter_config("1.2.3")) == {}


def test_it_shows_every_key_with_a_value_of_its_type() -> None:
    shown = tomllib.loads(uncommented(starter_config("1.2.3")))
    assert set(shown) == set(proto_kernel.SCHEMA) - {"root"}
    assert set(shown["uv"]) == set(proto_kernel.UV_SCHEMA)
    for key, value in shown.items():
        assert proto_kernel.fits(value, proto_kernel.SCHEMA[key]), key


def test_it_names_the_kernels_uv() -> None:
    assert '# version = "1.2.3"' in starter_config("1.2.3")


def test_missing_lines_are_added_to_gitignore() -> None:
    assert extended_gitignore("*.pyc\n.venv/\n") == (
        "*.pyc\n.venv/\n# environments, and what groundup keeps beside them\n"
        ".venv.lock\n.venv.old/\n.venv.auth/\n.groundup/\n"
    )


@pytest.mark.parametrize("text", ["*.pyc", ""])
def test_an_open_last_line_is_ended(text: str) -> None:
    assert extended_gitignore(text).splitlines()[: text.count("*")] == text.splitlines()


@given(st.lists(st.sampled_from([*IGNORED, "*.pyc", "", "# note"])), st.booleans())
def test_all_lines_are_there_once_and_nothing_is_lost(lines: list[str], ended: bool) -> None:
    before = "\n".join(lines) + ("\n" if ended and lines else "")
    after = extended_gitignore(before)
    assert after.startswith(before)
    assert set(IGNORED) <= set(after.splitlines())
    assert all(after.splitlines().count(line) == max(1, lines.count(line)) for line in IGNORED)
    assert extended_gitignore(after) == after
