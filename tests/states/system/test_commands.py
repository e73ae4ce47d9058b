"""Commands on PATH and their versions."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from groundup.states.parameters import Command
from groundup.states.system.commands import CommandsError, check_commands, version_in

PARTS = st.lists(st.integers(0, 9999), min_size=2, max_size=4).map(lambda parts: ".".join(map(str, parts)))
BEFORE = st.sampled_from(
    ["", "tool ", "tool version v", "go", "jq-", "tool/", 'java version "', "(", "v", "\n"]
)
AFTER = st.sampled_from(
    ["", "\n", ".windows.1", " (Debian 12.2.0-14)", ", build af1", "w", "-dev", '"', "+1"]
)
PRE = st.sampled_from(["", "a1", "rc2", "-rc.1", ".dev3", "-beta4"])


def command(**values: Any) -> Command:
    return Command.model_validate(values)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("git version 2.39.5 (Apple Git-154)", "2.39.5"),
        ("Docker version 24.0.7, build afdd53b", "24.0.7"),
        ("go version go1.21.5 linux/amd64", "1.21.5"),
        ('openjdk version "17.0.9" 2023-10-17', "17.0.9"),
        ("openjdk 21 2023-09-19", "21"),
        ("v20.10.0", "20.10.0"),
        ("gcc (Debian 12.2.0-14+deb12u1) 12.2.0", "12.2.0"),
        ("tmux 3.3a", "3.3"),
        ("OpenSSH_9.2p1 Debian-2+deb12u2, OpenSSL 3.0.11", "9.2"),
        ("Python 3.13.0rc1", "3.13.0rc1"),
        ("GNU Make 4.3\nBuilt for x86_64-pc-linux-gnu", "4.3"),
        ("less 590 (GNU regular expressions)", "590"),
        ("This is perl 5, version 36, subversion 0 (v5.36.0) built for x86_64", "5.36.0"),
        ("aws-cli/2.13.5 Python/3.11.4", "2.13.5"),
        ("x86_64 and nothing else", None),
        ("", None),
    ],
)
def test_versions_are_found_in_what_commands_print(text: str, version: str | None) -> None:
    assert version_in(text) == (None if version is None else Version(version))


@given(BEFORE, PARTS, PRE, AFTER)
def test_the_first_version_is_the_one(before: str, parts: str, pre: str, after: str) -> None:
    found = version_in(f"{before}{parts}{pre}{after if not pre else ' ' + after}")
    assert found == Version(parts + pre)


@given(st.text(st.characters(categories=["Nd", "Zs"]) | st.sampled_from(".-_+abrcdev\n")))
def test_any_text_has_a_version_or_none(text: str) -> None:
    assert isinstance(version_in(text), Version | None)


def test_real_commands_tell_their_version(tmp_path: Path) -> None:
    git, shell = check_commands([command(name="git", min_version="2.0"), command(name="sh")], tmp_path)
    assert git.startswith("git 2.")
    assert git.endswith(f"({shutil.which('git')})")
    assert shell == f"sh ({shutil.which('sh')})"


def told(tmp_path: Path, *commands: Command) -> CommandsError:
    with pytest.raises(CommandsError) as caught:
        check_commands(commands, tmp_path)
    return caught.value


def test_one_that_is_too_old_is_told_with_what_was_found(tmp_path: Path) -> None:
    error = told(tmp_path, command(name="git", min_version="99.1", hint="ask Ada"))
    path = shutil.which("git")
    assert str(error).startswith("git 2.")
    assert str(error).endswith(f" is {path}, and 99.1 or newer is needed")
    assert error.hint == "ask Ada"


def test_one_that_is_missing_is_told_with_what_is_needed(tmp_path: Path) -> None:
    error = told(tmp_path, command(name="no-such-tool", min_version="1.2"), command(name="sh"))
    assert str(error) == "no-such-tool is not on PATH, and 1.2 or newer is needed"
    assert error.hint == "install no-such-tool, or correct PATH"


def test_all_that_are_wrong_are_told_each_with_what_to_do(tmp_path: Path) -> None:
    error = told(
        tmp_path,
        command(name="sh"),
        command(name="no-such-tool", hint="see the wiki"),
        command(name="git", min_version="99"),
    )
    first, missing, old = str(error).splitlines()
    assert first == "2 of 3 commands are not as needed:"
    assert missing == "no-such-tool is not on PATH: see the wiki"
    assert old.endswith("99 or newer is needed: update git")


SCRIPT = "#!/bin/sh\n"


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        (
            f"{SCRIPT}echo nothing known; exit 3\n",
            ["--version"],
            "tool --version failed with exit 3: nothing known",
        ),
        (f"{SCRIPT}echo beta\n", ["version"], "tool version names no version: beta"),
        ("#!/nowhere/sh\n", ["--version"], "tool --version cannot be executed"),
    ],
)
def test_one_that_does_not_tell_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, arguments: list[str], message: str
) -> None:
    tool = tmp_path / "tool"
    tool.write_text(script)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    error = told(tmp_path, command(name="tool", min_version="1", version_args=arguments))
    assert message in str(error)
    assert "version_args" in error.hint


def test_the_version_may_be_on_stderr_and_asked_in_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "tool"
    tool.write_text(f'{SCRIPT}[ "$1 $2" = "compose version" ] && echo "v2.4" >&2\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    wanted = command(name="tool", min_version="2.4", version_args=["compose", "version"])
    assert check_commands([wanted], tmp_path) == [f"tool 2.4 ({tool})"]
