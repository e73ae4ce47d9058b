"""`shell`: the user's own shell, with the user's own settings, in the environment; over a real terminal."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.kernel.conftest import Ready
from tests.support.errors import told
from tests.support.process import run_kernel
from tests.support.repositories import write
from tests.support.requirements import require
from tests.support.terminal import Terminal

SHELLS = ("bash", "zsh", "fish", "sh")
QUESTION = "python -c 'import sys; print(\"prefix=\" + sys.prefix)'"


@pytest.fixture
def user(ready: Ready, tmp_path: Path) -> dict[str, str]:
    """A user whose settings put a `python` of their own first on PATH, as version managers do."""
    first = write(tmp_path, "first/python", "#!/bin/sh\necho prefix=the-users-own\n")
    first.chmod(0o755)
    posix = f'export PATH="{first.parent}:$PATH"\nexport SETTINGS=read\nPS1="mine> "\n'
    for name in (".bashrc", ".zshrc"):
        write(tmp_path, f"home/{name}", posix)
    write(tmp_path, "home/shinit", posix)
    write(
        tmp_path,
        "home/.config/fish/config.fish",
        f"set -gx PATH {first.parent} $PATH\nset -gx SETTINGS read\nset -g fish_greeting\n",
    )
    home = tmp_path / "home"
    return {**ready.env, "HOME": str(home), "ENV": str(home / "shinit"), "TERM": "dumb"}


def shell_of(ready: Ready, env: dict[str, str]) -> Terminal:
    """Start `shell` on a terminal."""
    kernel = str(ready.repo / "proto_kernel.py")
    return Terminal([sys.executable, kernel, "shell"], env=env, cwd=ready.repo)


@pytest.mark.parametrize("name", SHELLS)
def test_the_users_shell_is_in_the_environment(ready: Ready, user: dict[str, str], name: str) -> None:
    path = shutil.which(name)
    require(path, f"the shell {name}")
    with shell_of(ready, {**user, "SHELL": str(path)}) as terminal:
        terminal.type(QUESTION)
        terminal.read_until(rf"prefix={ready.repo}/\.venv\s")
        terminal.type("exit 7")
        assert terminal.wait() == 7
    assert "the-users-own" not in terminal.shown


@pytest.mark.parametrize("name", SHELLS)
def test_the_users_own_settings_are_read(ready: Ready, user: dict[str, str], name: str) -> None:
    path = shutil.which(name)
    require(path, f"the shell {name}")
    with shell_of(ready, {**user, "SHELL": str(path)}) as terminal:
        terminal.type('echo "<$SETTINGS>" "<$VIRTUAL_ENV>"')
        terminal.read_until(rf"<read> <{ready.repo}/\.venv>")
        terminal.type("exit")
        assert terminal.wait() == 0


@pytest.mark.parametrize("shell", [None, ""])
def test_without_a_named_shell_there_is_one_all_the_same(
    ready: Ready, user: dict[str, str], shell: str | None
) -> None:
    given = {name: value for name, value in user.items() if name != "SHELL"}
    if shell is not None:
        given["SHELL"] = shell
    with shell_of(ready, given) as terminal:
        terminal.type(QUESTION)
        terminal.read_until(rf"prefix={ready.repo}/\.venv\s")
        terminal.type("exit 3")
        assert terminal.wait() == 3


def test_a_shell_that_is_not_there_is_named(ready: Ready, user: dict[str, str]) -> None:
    done = run_kernel(ready.repo, "shell", env={**user, "SHELL": "/no/such/shell"})
    assert "/no/such/shell" in told(done, 127).error


def test_a_shell_inside_a_shell_leaves_the_outer_environment(ready: Ready, user: dict[str, str]) -> None:
    given = {**user, "SHELL": "/bin/bash", "VIRTUAL_ENV": "/outer", "PATH": f"/outer/bin:{user['PATH']}"}
    with shell_of(ready, given) as terminal:
        terminal.type('echo "path=<$PATH>"')
        shown = terminal.read_until(r"path=<(/[^>]*)>").group(1)
        terminal.type("exit")
        assert terminal.wait() == 0
    assert shown.split(":")[0] == str(ready.repo / ".venv/bin")
    assert "/outer/bin" not in shown


def test_ctrl_c_in_the_shell_does_not_end_it(ready: Ready, user: dict[str, str]) -> None:
    with shell_of(ready, {**user, "SHELL": "/bin/bash"}) as terminal:
        terminal.type("sh -c 'echo ready=$((40 + 2)); exec sleep 60'")
        terminal.read_until("ready=42")
        terminal.press("\x03")
        terminal.read_until(r"\^C[\s\S]*mine> ")
        terminal.type("echo again=$((40 + 3))")
        terminal.read_until("again=43")
        terminal.type("exit 5")
        assert terminal.wait() == 5


def test_a_shell_reads_commands_from_a_pipe(ready: Ready, user: dict[str, str]) -> None:
    done = run_kernel(ready.repo, "shell", env={**user, "SHELL": "/bin/sh"}, stdin=f"{QUESTION}\nexit 4\n")
    assert (done.returncode, done.stdout) == (4, f"prefix={ready.repo / '.venv'}\n")
