"""Who stems from whom, by each way to ask; and that no signal reaches a process that is not meant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag.output.processes import Process, ProcTable, PsTable, Table, family, send
from tests.support.background import until
from tests.support.requirements import require


@pytest.fixture(params=[ProcTable, PsTable])
def source(request: pytest.FixtureRequest) -> Table:
    require(request.param is PsTable or Path("/proc/self").exists(), "/proc")
    made: Table = request.param()
    return made


@pytest.fixture
def tree() -> Iterator[subprocess.Popen[bytes]]:
    """A shell with a child, and with a grandchild in a session of its own whose parent is gone."""
    shell = subprocess.Popen(
        ["sh", "-c", "setsid sh -c 'sleep 600 & wait' & sleep 600"], start_new_session=True
    )
    yield shell
    for process in family({shell.pid: 0.0}, ProcTable().snapshot(), slack=1e12):
        os.kill(process.pid, signal.SIGKILL)
    shell.wait()


def names(pids: list[int]) -> list[str]:
    """Return the names of those that are still there."""
    found = []
    for pid in pids:
        with suppress(OSError):
            found.append(Path(f"/proc/{pid}/comm").read_text().strip())
    return found


def test_a_family_is_everything_that_a_process_started(source: Table, tree: subprocess.Popen[bytes]) -> None:
    started = source.started(tree.pid)
    assert started is not None

    def found() -> list[int]:
        return [process.pid for process in family({tree.pid: started}, source.snapshot(), source.slack)]

    until(lambda: sorted(names(found())) == ["sh", "sh", "sleep", "sleep"], "the whole tree")
    assert found()[0] == tree.pid
    assert os.getpid() not in found()


def test_a_process_that_ended_is_not_alive(source: Table) -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not source.snapshot()[process.pid].alive
    assert process.pid not in source.snapshot()


def test_a_start_identifies_a_process(source: Table) -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        started = source.started(process.pid)
        assert started is not None
        assert abs(source.snapshot()[process.pid].started - started) <= source.slack
        process.kill()
    if not source.slack:
        assert source.started(process.pid) is None


def test_a_signal_reaches_the_process_that_was_seen() -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        assert send(ProcTable().snapshot()[process.pid], signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM


def test_a_signal_does_not_reach_another_process_of_the_same_id() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        seen = ProcTable().snapshot()[process.pid]
        assert send(seen._replace(started=seen.started - 1), signal.SIGKILL)
        assert process.communicate(b"alive")[0] == b"alive"


def test_a_signal_to_what_is_gone_is_none() -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        seen = ProcTable().snapshot()[process.pid]
        process.kill()
    assert send(seen, signal.SIGTERM)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="another user is needed")
def test_a_process_of_another_user_is_told_from_one_that_is_gone() -> None:
    code = "import os, signal; from groundup.dag.output.processes import *; os.setuid(65534);"
    code += f"print(send(ProcTable().snapshot()[{os.getpid()}], 0))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_this_process_belongs_to_no_family() -> None:
    me = Process(os.getpid(), parent=5, group=5, session=5, started=2.0, alive=True)
    child = Process(7, parent=me.pid, group=me.pid, session=5, started=3.0, alive=True)
    assert list(family({5: 1.0}, {me.pid: me})) == []
    assert list(family({5: 1.0}, {me.pid: me, child.pid: child})) == [child]


# Any tables: ids from 2 to 9, so that they are often parents, groups and sessions of each other.
IDS = st.integers(2, 9)
PROCESSES = st.builds(Process, IDS, IDS, IDS, IDS, st.integers(0, 5).map(float), st.booleans())
TABLES = st.lists(PROCESSES, unique_by=lambda process: process.pid).map(
    lambda processes: {process.pid: process for process in processes}
)
KNOWN = st.dictionaries(IDS, st.integers(0, 5).map(float))


@given(KNOWN, TABLES)
def test_each_member_of_a_family_has_a_reason(known: dict[int, float], table: dict[int, Process]) -> None:
    found = list(family(known, table))
    assert len({process.pid for process in found}) == len(found)
    starts = {pid: start for pid, start in known.items() if pid not in table or table[pid].started == start}
    for process in found:
        assert table[process.pid] == process
        if process.pid not in known:
            reasons = {process.parent, process.group, process.session} & starts.keys()
            assert any(starts[pid] <= process.started for pid in reasons)
        starts[process.pid] = process.started


@given(KNOWN, TABLES)
def test_nobody_is_missing_in_a_family(known: dict[int, float], table: dict[int, Process]) -> None:
    found = {process.pid: process for process in family(known, table)}
    for process in table.values():
        if process.pid not in found and process.pid not in known:
            for pid in {process.parent, process.group, process.session} & found.keys():
                assert process.started < found[pid].started


@given(KNOWN, TABLES)
def test_an_id_that_means_another_process_by_now_is_no_reason(
    known: dict[int, float], table: dict[int, Process]
) -> None:
    reused = {pid: table[pid].started + 1 for pid in known if pid in table}
    assert list(family(reused, table)) == []
