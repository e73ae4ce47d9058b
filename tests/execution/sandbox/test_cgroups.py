"""A limit for all processes of a run together."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from groundup import SandboxExecutionRuntime
from groundup.execution.sandbox import SandboxError
from groundup.execution.sandbox.cgroups import Delegated, find_delegated, group_of
from tests.execution.escapes.attack import ESCAPED, STARTED
from tests.execution.escapes.attacks import EAT_TOGETHER
from tests.support.background import Background, until
from tests.support.requirements import require
from tests.support.users import User


@pytest.fixture
def delegated(runtime: SandboxExecutionRuntime) -> Delegated:
    """Where groups can be made."""
    found = find_delegated()
    if found is None:
        pytest.skip("this process may not make a cgroup, whatever is installed")
    return found


def left(delegated: Delegated) -> list[Path]:
    """Return the groups of this process."""
    return list(delegated.folder.glob(f"groundup-{os.getpid()}-*"))


def test_what_all_eat_together_is_limited(delegated: Delegated, user: User) -> None:
    limited = SandboxExecutionRuntime(**EAT_TOGETHER.limits)
    stopped = limited.run_script(EAT_TOGETHER.script, "{}", check=False, timeout=120)
    assert stopped.stdout.split() == [STARTED]
    assert stopped.exit_code != 0
    through = SandboxExecutionRuntime().run_script(EAT_TOGETHER.script, "{}", timeout=120)
    assert through.stdout.split() == [STARTED, ESCAPED]
    assert left(delegated) == []


def test_files_in_memory_count(delegated: Delegated, user: User) -> None:
    source = b"for room in ('/work', '/tmp'): open(room + '/large', 'wb').write(bytes(100 * 2**20))"
    assert SandboxExecutionRuntime().run_script(source, timeout=120).ok
    limited = SandboxExecutionRuntime(total_memory="150 MiB")
    assert not limited.run_script(source, check=False, timeout=120).ok


def test_a_timeout_leaves_no_group(delegated: Delegated, user: User) -> None:
    source = b"import os, time; os.fork(); os.setsid() if os.fork() == 0 else None; time.sleep(600)"
    limited = SandboxExecutionRuntime(total_memory="1 GiB")
    assert limited.run_script(source, timeout=1, check=False).phase == "timeout"
    assert left(delegated) == []


def test_what_a_killed_caller_left_is_removed_by_the_next(delegated: Delegated, tmp_path: Path) -> None:
    hold = """
import signal
from groundup.execution.sandbox.cgroups import group_of
with group_of(2**30) as groups:
    print(groups[0].parent, flush=True)
    signal.pause()
"""
    with Background([sys.executable, "-c", hold], env={}, cwd=tmp_path) as background:
        until(lambda: background.stdout, "the group")
        background.kill()
        background.wait()
        folder = Path(background.stdout.strip())
    assert folder.is_dir()
    with group_of(2**30) as groups:
        assert groups[0].parent.is_dir()
        assert not folder.exists()


def test_where_no_group_can_be_made_it_is_an_error(tmp_path: Path) -> None:
    require(os.geteuid() == 0, "root")
    find_delegated()  # what it imports may be readable for root alone
    child = os.fork()
    if child == 0:
        os.setresuid(65534, 65534, 65534)
        try:
            with group_of(2**30):
                os._exit(1)
        except SandboxError as error:
            os._exit(0 if error.reason == "cgroup" and "total_memory" in str(error) else 2)
        finally:
            os._exit(3)
    assert os.waitpid(child, 0)[1] == 0
