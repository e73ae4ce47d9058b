"""The shell that waits for a command: what it is told arrives as it was meant."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import GroundupError
from groundup.execution.container.shell import script_lines, starter

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
NAMES = st.from_regex(r"V_[A-Za-z0-9_.-]{0,8}", fullmatch=True)
TELL = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ), sys.stdin.read()]))"


def run(
    code: str, *args: str, env: dict[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run code as a container would, by the shell of this machine."""
    lines = script_lines([sys.executable, "-I", "-X", "utf8", "-c", code, *args], env or {})
    return subprocess.run(
        starter(),
        input=lines.decode("utf-8", "surrogateescape") + stdin,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        env={"PATH": os.defpath},
        check=False,
    )


@settings(max_examples=25)
@given(args=st.lists(TEXT, max_size=4), env=st.dictionaries(NAMES, TEXT, max_size=3), stdin=TEXT)
def test_words_variables_and_stdin_arrive(args: list[str], env: dict[str, str], stdin: str) -> None:
    stdin = stdin.replace("\r", "")
    told, variables, read = json.loads(run(TELL, *args, env=env, stdin=stdin).stdout)
    assert told == args
    assert env.items() <= variables.items()
    assert read == stdin


@pytest.mark.parametrize("number", [6, 9, 11, 15])
def test_it_ends_as_its_child_and_says_nothing_itself(number: int) -> None:
    done = run(f"import os; os.write(2, b'mine'); os.kill(os.getpid(), {number})")
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "mine")
    assert run("raise SystemExit(3)").returncode == 3


def test_bytes_that_are_not_text_arrive() -> None:
    done = run("import os, sys; print(os.fsencode(sys.argv[1]))", "a\udcff")
    assert done.stdout == "b'a\\xff'\n"


def test_a_zero_byte_is_refused() -> None:
    with pytest.raises(GroundupError, match="cannot start python: embedded null byte"):
        script_lines(["python", "a\0b"], {})
    with pytest.raises(GroundupError, match="embedded null byte"):
        script_lines(["python"], {"A": "a\0b"})
