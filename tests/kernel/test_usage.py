"""What follows a command that takes no arguments: refused, where else it would be silently ignored."""

from __future__ import annotations

import pytest

from tests.kernel.conftest import Ready
from tests.support.errors import told
from tests.support.process import describe, run_kernel
from tests.support.trees import facts

CALLS = [
    ("boot", "--offline"),
    ("boot", "--env", "prod"),
    ("reboot", "--env", "prod"),
    ("lock", "--locked"),
    ("shell", "-c", "echo hi"),
    ("check", "--json"),
    ("version", "--json"),
    ("boot", "--"),
]


@pytest.mark.parametrize("words", CALLS, ids=" ".join)
def test_arguments_of_a_command_without_arguments_are_an_error(ready: Ready, words: tuple[str, ...]) -> None:
    before = facts(ready.repo)
    error, hint = told(run_kernel(ready.repo, *words, env=ready.env), 2)
    assert error == f"{words[0]} takes no arguments: {' '.join(words[1:])}"
    assert f"{words[1]} {words[0]}" in hint, "the right order is shown"
    assert facts(ready.repo) == before


@pytest.mark.parametrize("words", [("help", "boot"), ("lock", "now"), ("boot", "prod")], ids=" ".join)
def test_words_that_are_no_options_are_not_taken_for_some(ready: Ready, words: tuple[str, str]) -> None:
    error, hint = told(run_kernel(ready.repo, *words, env=ready.env), 2)
    assert error == f"{words[0]} takes no arguments: {words[1]}"
    assert hint == f"call it without: proto_kernel.py {words[0]}"


@pytest.mark.parametrize("option", ["--version", "--help", "-h"])
def test_what_follows_an_option_that_is_a_command_is_an_error_too(ready: Ready, option: str) -> None:
    error, _ = told(run_kernel(ready.repo, option, "boot", env=ready.env), 2)
    assert error.endswith("takes no arguments: boot")


def test_the_same_words_before_the_command_are_its_options(ready: Ready) -> None:
    done = run_kernel(ready.repo, "--offline", "--locked", "check", env=ready.env)
    assert done.returncode == 0, describe(done)


def test_the_arguments_of_a_command_to_run_are_its_own(ready: Ready) -> None:
    done = run_kernel(ready.repo, "run", "echo", "--env", "prod", "--help", env=ready.env, check=True)
    assert done.stdout == "--env prod --help\n"
