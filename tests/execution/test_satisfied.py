"""A run whose environment exists resolves nothing and opens no socket, as the system calls show."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from groundup.projects import create_project
from tests.support.requirements import require
from tests.support.users import User, requiring

SCRIPT = requiring("alpha") + "import alpha; print(alpha.VERSION)\n"
WAYS = {
    "project": "runtime.run_project('x')",
    "script": "runtime.run_script('hello.py')",
    "inferred": "runtime.run_script(b'import alpha; print(alpha.VERSION)', requirements=True)",
}


def traced(user: User, way: str, folder: Path) -> tuple[set[str], set[str]]:
    """Run in `way`; return the programs that were executed, and the families of sockets that were opened."""
    code = f"""
from groundup.execution import ExecutionRuntime
runtime = ExecutionRuntime("supervisor")
print({WAYS[way]}, end="")
"""
    log = folder / "calls"
    strace = ["strace", "-f", "-qq", "-e", "trace=execve,socket", "-e", "signal=none", "-o", str(log)]
    done = subprocess.run(
        [*strace, sys.executable, "-c", code],
        cwd=user.home,
        env=user.env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1.1\n"
    calls = [line for line in log.read_text().splitlines() if "ENOENT" not in line]
    programs = {Path(found[1]).name for call in calls if (found := re.search(r'execve\("([^"]*)"', call))}
    families = {found[1] for call in calls if (found := re.search(r"socket\((AF_\w+)", call))}
    return programs, families


@pytest.mark.parametrize("way", WAYS)
def test_a_satisfied_run_resolves_nothing_and_opens_no_socket(way: str, user: User, tmp_path: Path) -> None:
    require(shutil.which("strace"), "strace")
    user.script(SCRIPT)
    if way == "project":
        create_project(user.home / "hello.py", id="x")
    else:
        programs, families = traced(user, way, tmp_path)
        assert "uv" in programs  # the trace shows it where it happens
        assert "AF_INET" in families
    programs, families = traced(user, way, tmp_path)
    assert "uv" not in programs
    assert families <= {"AF_UNIX"}
    assert any(program.startswith("python") for program in programs)
