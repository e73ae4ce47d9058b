"""Processes of a state: all of them are ended, nothing else is."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import pytest

from groundup.dag.output import Children, StateEndedError, processes, stop_all, watching
from groundup.dag.output.children import REMEMBERED
from tests.support.background import alive, until

STUBBORN = "trap '' TERM; "


@pytest.fixture(autouse=True)
def _watching() -> Iterator[None]:
    with watching():
        yield


def pids_in(file: Path, number: int) -> list[int]:
    """Wait until `number` processes have written their ids to `file`."""
    file.touch()
    until(lambda: file.read_text().count("\n") >= number, f"{number} processes")
    return [int(line) for line in file.read_text().split()]


def sleeper(file: Path, before: str = "") -> str:
    """Return shell code that notes its id and stays."""
    return f"{before} echo $$ >> '{file}'; while :; do sleep 600; done"


def test_a_process_and_its_whole_tree_are_ended(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    (tmp_path / "leaf.sh").write_text(sleeper(file))
    with Children() as children:
        process = subprocess.Popen(
            ["sh", "-c", f"sh leaf.sh & setsid sh leaf.sh & {sleeper(file)}"], cwd=tmp_path
        )
        pids = pids_in(file, 3)
        children.end()
        assert process.wait(10) == -signal.SIGTERM
    assert not [pid for pid in pids if alive(pid)]


def test_what_ignores_the_request_is_killed_after_the_grace(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    with Children() as children:
        process = subprocess.Popen(["sh", "-c", sleeper(file, STUBBORN)])
        pids_in(file, 1)
        begun = time.monotonic()
        children.end(0.5)
        assert time.monotonic() - begun >= 0.5
        assert process.wait(10) == -signal.SIGKILL


def test_a_process_has_time_to_clean_up(tmp_path: Path) -> None:
    code = "trap 'sleep 0.3; echo cleaned > done; exit 3' TERM; echo $$ > pids; while :; do sleep 0.05; done"
    with Children() as children:
        process = subprocess.Popen(["sh", "-c", code], cwd=tmp_path)
        pids_in(tmp_path / "pids", 1)
        children.end(30)
        assert process.wait(10) == 3
    assert (tmp_path / "done").read_text() == "cleaned\n"


def test_a_grandchild_is_ended_although_its_parent_dies_first(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    (tmp_path / "leaf.sh").write_text(sleeper(file, STUBBORN))
    with Children() as children:
        process = subprocess.Popen(["sh", "-c", f"setsid sh leaf.sh & {sleeper(file)}"], cwd=tmp_path)
        pids = pids_in(file, 2)
        children.end(0.3)  # the shell goes at once, so nothing leads to the other one any more
        process.wait(10)
    assert not [pid for pid in pids if alive(pid)]


@pytest.mark.parametrize("options", [{"start_new_session": True}, {"process_group": 0}])
def test_what_a_dead_process_left_in_its_group_is_ended(tmp_path: Path, options: dict[str, int]) -> None:
    file = tmp_path / "pids"
    (tmp_path / "leaf.sh").write_text(sleeper(file))
    with Children() as children:
        subprocess.run(["sh", "-c", "sh leaf.sh &"], cwd=tmp_path, check=True, **options)  # type: ignore[call-overload]
        (orphan,) = pids_in(file, 1)
        assert alive(orphan)
        children.end()
    until(lambda: not alive(orphan), "the end of the orphan")


def test_only_the_processes_of_the_state_are_ended(tmp_path: Path) -> None:
    outside = subprocess.Popen(["sleep", "600"])
    with Children() as one:
        mine = subprocess.Popen(["sleep", "600"])
    with Children():
        others = subprocess.Popen(["sleep", "600"])
    one.end()
    assert mine.wait(10) == -signal.SIGTERM
    for process in (outside, others):
        assert process.poll() is None
        process.kill()
        process.wait()


def test_an_id_that_was_given_to_another_process_is_left_alone() -> None:
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    children = Children()
    children.add(stranger.pid, children.expect())
    children._known[stranger.pid] -= 1  # what was started under this id had another start
    children.end()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_leaving_the_block_ends_nothing() -> None:
    with Children():
        process = subprocess.Popen(["sleep", "600"])
    assert process.poll() is None
    process.kill()
    process.wait()


def test_processes_of_coroutines_belong_to_their_states() -> None:
    async def state(children: Children, started: asyncio.Event) -> int:
        with children:
            process = await asyncio.create_subprocess_exec("sleep", "600")
            started.set()
            return await process.wait()

    async def main() -> tuple[int, int]:
        one, other, ready, also_ready = Children(), Children(), asyncio.Event(), asyncio.Event()
        tasks = [asyncio.create_task(state(one, ready)), asyncio.create_task(state(other, also_ready))]
        await ready.wait()
        await also_ready.wait()
        await asyncio.to_thread(one.end)
        first = await tasks[0]
        assert not tasks[1].done()
        await asyncio.to_thread(other.end)
        return first, await tasks[1]

    assert asyncio.run(main()) == (-signal.SIGTERM, -signal.SIGTERM)


def in_a_thread(call: Callable[[], None]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


def in_a_pool(call: Callable[[], None]) -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit(call).result()


def in_an_executor_of_a_loop(call: Callable[[], None]) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(None, call)

    asyncio.run(main())


def in_a_copy_of_the_context(call: Callable[[], None]) -> None:
    thread = threading.Thread(target=copy_context().run, args=(call,))
    thread.start()
    thread.join()


@pytest.mark.parametrize(
    "somewhere", [in_a_thread, in_a_pool, in_an_executor_of_a_loop, in_a_copy_of_the_context]
)
def test_processes_of_its_threads_belong_to_a_state(somewhere: Callable[[Callable[[], None]], None]) -> None:
    started = []
    with Children() as children:
        somewhere(lambda: started.append(subprocess.Popen(["sleep", "600"])))
    children.end()
    assert started[0].wait(10) == -signal.SIGTERM


def test_a_pool_that_states_share_keeps_them_apart() -> None:
    with ThreadPoolExecutor(1) as pool:
        with Children() as one:
            mine = pool.submit(subprocess.Popen, ["sleep", "600"]).result()
        with Children() as two:
            others = pool.submit(subprocess.Popen, ["sleep", "600"]).result()
        nobodys = pool.submit(subprocess.Popen, ["sleep", "600"]).result()
    one.end()
    assert mine.wait(10) == -signal.SIGTERM
    assert others.poll() is None
    two.end()
    assert others.wait(10) == -signal.SIGTERM
    assert nobodys.poll() is None
    nobodys.kill()
    nobodys.wait()


MULTIPROCESSING = """
import multiprocessing, sys, time
from groundup.dag.output import Children, watching

def work(): time.sleep(600)

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    with watching(), Children() as children:
        process = multiprocessing.Process(target=work)
        process.start()
    children.end()
    process.join(30)
    print(process.exitcode)
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_multiprocessing_belong_to_their_state(tmp_path: Path, method: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(MULTIPROCESSING)
    done = subprocess.run([sys.executable, script, method], capture_output=True, text=True, check=True)
    assert done.stdout == "-15\n"


def test_a_process_that_is_started_while_its_state_is_ended_is_killed_at_once(tmp_path: Path) -> None:
    fifo, forked = tmp_path / "fifo", tmp_path / "forked"
    os.mkfifo(fifo)
    children = Children()
    started: list[subprocess.Popen[bytes]] = []

    def hold() -> None:
        forked.touch()
        fifo.read_text()

    def state() -> None:
        with children:
            started.append(subprocess.Popen(["sleep", "600"], preexec_fn=hold))  # noqa: PLW1509

    thread = threading.Thread(target=state)
    thread.start()
    until(forked.exists, "the fork")
    children.end()
    fifo.write_text("go on")
    thread.join()
    assert started[0].wait(10) == -signal.SIGKILL


def test_a_state_goes_on_after_its_processes_were_ended() -> None:
    with Children() as children:
        first = subprocess.Popen(["sleep", "600"])
        children.end()
        assert first.wait(10) == -signal.SIGTERM
        assert subprocess.run(["true"], check=True).returncode == 0
        second = subprocess.Popen(["sleep", "600"])
        children.end()
        assert second.wait(10) == -signal.SIGTERM


def test_where_all_is_stopped_no_process_starts_any_more() -> None:
    with Children() as one:
        first = subprocess.Popen(["sh", "-c", STUBBORN + "echo; exec sleep 600"], stdout=subprocess.PIPE)
        assert first.stdout and first.stdout.readline()
    with Children() as two:
        second = subprocess.Popen(["sh", "-c", STUBBORN + "echo; exec sleep 600"], stdout=subprocess.PIPE)
        assert second.stdout and second.stdout.readline()
        begun = time.monotonic()
        stop_all([one, two], 1)
        assert time.monotonic() - begun < 1.95  # at once, not one after the other
        with pytest.raises(StateEndedError, match="being ended"):
            subprocess.Popen(["true"])
    for process in (first, second):
        assert process.wait(10) == -signal.SIGKILL
        process.stdout.close()  # type: ignore[union-attr]


def test_a_state_inside_of_another_is_ended_with_it() -> None:
    outer = Children()
    with outer, Children(outer):
        process = subprocess.Popen(["sleep", "600"])
        outer.end()
        assert process.wait(10) == -signal.SIGTERM
        outer.stop()
        with pytest.raises(StateEndedError):
            subprocess.Popen(["true"])


def test_processes_of_a_state_inside_are_not_those_beside_it() -> None:
    outer = Children()
    with outer:
        beside = subprocess.Popen(["sleep", "600"])
        with Children(outer) as inner:
            process = subprocess.Popen(["sleep", "600"])
    inner.end()
    assert process.wait(10) == -signal.SIGTERM
    assert beside.poll() is None
    outer.end()
    beside.wait(10)


def test_a_command_that_is_not_there_belongs_to_nobody() -> None:
    with Children() as children:
        with pytest.raises(FileNotFoundError):
            subprocess.run(["/no/such/command"], check=True)
        assert children.living() == []


def test_of_thousands_of_processes_only_those_that_are_there_are_remembered() -> None:
    with Children() as children:
        stays = subprocess.Popen(["sleep", "600"])
        gone = subprocess.Popen(["true"])
        gone.wait()
        for pid in range(2**22 + 1, 2**22 + REMEMBERED + 1):  # beyond what Linux gives to any process
            children._known[pid] = 0.0
        last = subprocess.Popen(["sleep", "600"])
        assert {process.pid for process in children.living()} >= {stays.pid, last.pid}
        assert len(children._known) < REMEMBERED
        children.end()
    assert stays.wait(10) == last.wait(10) == -signal.SIGTERM


@pytest.mark.parametrize("source", [processes.PsTable(), None])
def test_processes_are_ended_without_proc(
    monkeypatch: pytest.MonkeyPatch, source: processes.Table | None
) -> None:
    monkeypatch.setattr(processes, "table", lambda: source)
    with Children() as children:
        polite = subprocess.Popen(["sleep", "600"])
        stubborn = subprocess.Popen(["sh", "-c", STUBBORN + "echo; exec sleep 600"], stdout=subprocess.PIPE)
        assert stubborn.stdout and stubborn.stdout.readline()
        children.end(1)
    assert polite.wait(10) == -signal.SIGTERM
    assert stubborn.wait(10) == -signal.SIGKILL
    stubborn.stdout.close()
