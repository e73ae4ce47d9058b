"""What an environment consists of, and when two are the same."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.projects.metadata import Declared
from groundup.projects.requirements import EnvironmentSpec, environment_spec
from groundup.projects.script import Script
from tests.support.users import requiring

names = st.lists(st.sampled_from(["alpha", "beta>=1", "gamma[extra]"]))


def spec_of(*requirements: str) -> EnvironmentSpec:
    return environment_spec(Script(b""), list(requirements))


def test_the_block_comes_first_then_what_the_caller_adds() -> None:
    script = Script(requiring("alpha").encode(), Path("/s.py"))
    spec = environment_spec(script, ["beta"])
    assert spec.requirements == (Declared("alpha", "/s.py:2"), Declared("beta", "requirements[0]"))


@pytest.mark.parametrize("nothing", [None, False, [], ()])
def test_nothing_asked_is_nothing_added(nothing: list[str] | bool | None) -> None:
    assert environment_spec(Script(b""), nothing) == EnvironmentSpec()


def test_decisions_about_imports_without_asking_for_them_are_refused() -> None:
    with pytest.raises(UserError, match="needs requirements=True"):
        environment_spec(Script(b"import yaml"), dependency_overrides={"yaml": "pyyaml"})


@pytest.mark.parametrize("asked", ["alpha", [1], [None]])
def test_requirements_are_a_list_of_text(asked: list[str]) -> None:
    with pytest.raises(UserError, match="must be a list of text"):
        environment_spec(Script(b""), asked)


@pytest.mark.parametrize(
    ("script", "requirements", "place"),
    [
        (requiring("alpha", "not a requirement"), [], r"/s\.py:2"),
        ("", ["alpha", "-r file.txt"], r"requirements\[1\]"),
        ("", ["./folder"], r"requirements\[0\]"),
        (requiring(python="three"), [], r"/s\.py:3"),
    ],
)
def test_a_malformed_requirement_is_named_with_its_place(
    script: str, requirements: list[str], place: str
) -> None:
    spec = environment_spec(Script(script.encode(), Path("/s.py")), requirements)
    with pytest.raises(UserError, match=f"^{place}: .* is not a valid requirement"):
        spec.check()


def test_local_sources_are_relative_to_the_script() -> None:
    block = "# /// script\n# tool.uv.sources.lib = [{path='lib'}, {git='https://example.org/x'}]\n# ///\n"
    spec = environment_spec(Script(block.encode(), Path("/some/where/s.py")))
    assert spec.uv["sources"]["lib"] == [{"path": "/some/where/lib"}, {"git": "https://example.org/x"}]


@given(names, st.randoms(use_true_random=False))
def test_the_key_does_not_depend_on_order_or_repetition(requirements: list[str], random: Random) -> None:
    shuffled = requirements * 2
    random.shuffle(shuffled)
    assert spec_of(*requirements).key() == spec_of(*shuffled).key()


@given(names, names)
def test_other_requirements_have_another_key(one: list[str], other: list[str]) -> None:
    assert (spec_of(*one).key() == spec_of(*other).key()) == (set(one) == set(other))


def test_python_and_settings_are_part_of_the_key() -> None:
    plain = EnvironmentSpec()
    keys = {
        plain.key(),
        EnvironmentSpec(requires_python=Declared(">=3.11", "")).key(),
        EnvironmentSpec(requires_python=Declared(">=3.12", "")).key(),
        EnvironmentSpec(uv={"prerelease": "allow"}).key(),
    }
    assert len(keys) == 4


def test_where_it_was_declared_is_not_part_of_the_key() -> None:
    declared = environment_spec(Script(requiring("alpha").encode()))
    assert declared.key() == spec_of("alpha").key()
