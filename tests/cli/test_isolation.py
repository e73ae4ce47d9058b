"""``reach`` runs scripts where it is told, and says where that is."""

from __future__ import annotations

import sys

from tests.support.bubblewrap import DOCKERENV, as_in_a_container
from tests.support.neo import Neo
from tests.support.requirements import require

SET = ("--set", "script_executed.script=work/tool.py")


def test_a_script_runs_in_a_sandbox_by_set(client: Neo) -> None:
    require(sys.platform == "linux", "Linux")
    (client.repo / "work/tool.py").write_text("import os; print(os.getcwd(), os.uname().nodename)")
    place = ("--set", "execution_runtime.isolate=sandbox", "--set", "execution_runtime.settings.memory=128m")
    done = client.run(client.module("reach", "script_executed", *SET, *place))
    assert done.returncode == 0, done.stderr
    assert f"{client.repo} sandbox" in done.stdout + done.stderr


def test_a_container_inside_of_one_is_the_host_said_aloud(client: Neo) -> None:
    (client.repo / "work/tool.py").write_text("print('ran')")
    words = client.module("reach", "script_executed", *SET, "--set", "execution_runtime.isolate=container")
    done = client.run(as_in_a_container(words, client.repo))
    assert done.returncode == 0, done.stderr
    assert f"warning: already inside a container ({DOCKERENV}): code runs on this host" in done.stderr
    words += ["--set", "execution_runtime.settings.require_isolation=true"]
    done = client.run(as_in_a_container(words, client.repo))
    assert done.returncode == 2
    assert f"this process is in a container itself ({DOCKERENV})" in done.stdout + done.stderr
