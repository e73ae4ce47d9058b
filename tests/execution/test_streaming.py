"""Output of a run as an asynchronous iterator."""

import asyncio
import contextlib
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from groundup.errors import UserError
from groundup.execution import Chunk, ExecutionFailed, ExecutionResult, ExecutionRuntime, OutputStream
from groundup.execution.run import Run
from groundup.projects import create_project
from tests.support.background import until
from tests.support.holding import HOLD, is_held, is_there
from tests.support.users import User, requiring

runtime = ExecutionRuntime()


async def collected(output: OutputStream) -> list[Chunk]:
    async with output:
        return [chunk async for chunk in output]


def joined(chunks: list[Chunk], stream: str) -> str:
    return "".join(chunk.text for chunk in chunks if chunk.stream == stream)


BOTH = """
import sys
print('ä')
print('err', file=sys.stderr)
sys.stdout.flush()
sys.stdout.buffer.write(b'\\xff')
print(sys.argv[1:])
"""


@pytest.mark.parametrize("way", ["project", "script"])
def test_chunks_are_what_was_written(way: str, user: User) -> None:
    if way == "project":
        create_project(BOTH.encode(), id="x")
        output = runtime.stream_project("x", "one")
    else:
        output = runtime.stream_script(BOTH.encode(), "one")
    chunks = asyncio.run(collected(output))
    assert joined(chunks, "stdout") == "ä\n\udcff['one']\n"
    assert joined(chunks, "stderr") == "err\n"
    assert b"".join(chunk.data for chunk in chunks if chunk.stream == "stdout") == b"\xc3\xa4\n\xff['one']\n"
    assert (output.result.exit_code, output.result.stdout) == (0, joined(chunks, "stdout"))


def test_a_chunk_arrives_while_the_run_goes_on(user: User, tmp_path: Path) -> None:
    source = """
import os, sys, time
print("ready")
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
print("gone")
"""

    async def answer() -> list[str]:
        heard = []
        async with runtime.stream_script(source.encode(), tmp_path / "go", timeout=60) as output:
            async for chunk in output:
                heard.append(chunk.text)
                (tmp_path / "go").touch()
        return heard

    assert "".join(asyncio.run(answer())) == "ready\ngone\n"


def test_options_are_those_of_a_run(user: User) -> None:
    source = b"import os; print(os.environ['MINE'], os.getcwd(), input())"
    output = runtime.stream_script(
        source, env={"MINE": "1"}, cwd=user.home, stdin="in\n", capture_output=False
    )
    chunks = asyncio.run(collected(output))
    assert joined(chunks, "stdout") == f"1 {user.home} in\n"
    assert output.result.stdout == ""


def test_it_can_be_awaited(user: User) -> None:
    async def both() -> list[str]:
        one, two = runtime.stream_script(b"print(1)"), runtime.stream_script(b"print(2)")
        return [result.stdout for result in await asyncio.gather(_result(one), _result(two))]

    assert asyncio.run(both()) == ["1\n", "2\n"]


async def _result(output: OutputStream) -> ExecutionResult:
    return await output


def test_a_failure_is_raised_at_the_end_of_the_loop(user: User) -> None:
    async def fail(check: bool) -> tuple[str, int]:
        heard = []
        async with runtime.stream_script(b"print(1); raise SystemExit(3)", check=check) as output:
            with contextlib.suppress(ExecutionFailed) if not check else contextlib.nullcontext():
                async for chunk in output:
                    heard.append(chunk.text)
        return "".join(heard), output.result.exit_code

    assert asyncio.run(fail(check=False)) == ("1\n", 3)
    with pytest.raises(ExecutionFailed, match="exit code 3") as failed:
        asyncio.run(fail(check=True))
    assert failed.value.result.stdout == "1\n"


def test_what_cannot_be_provided_fails_too(user: User) -> None:
    with pytest.raises(ExecutionFailed, match="nonexistent") as failed:
        asyncio.run(collected(runtime.stream_script(requiring("nonexistent").encode())))
    assert failed.value.phase == "resolve"
    with pytest.raises(UserError, match="there is no project 'x'"):
        asyncio.run(collected(runtime.stream_project("x")))


def test_a_loop_without_a_block_says_what_is_missing(user: User) -> None:
    async def loop() -> None:
        async for _ in runtime.stream_script(b"print(1)"):
            pass

    with pytest.raises(UserError, match="the run was not started") as refused:
        asyncio.run(loop())
    assert "async with" in refused.value.hint


def test_there_is_no_result_before_the_end(user: User) -> None:
    async def early() -> None:
        async with runtime.stream_script(b"import time; print(1, flush=True); time.sleep(600)") as output:
            async for _ in output:
                _ = output.result

    with pytest.raises(RuntimeError, match="has not ended"):
        asyncio.run(early())


FOREVER = f"{HOLD}\ndaemon(sys.argv[1])\nwait_for(sys.argv[1])\nprint('there', flush=True)\ntime.sleep(600)\n"


@pytest.mark.parametrize("way", ["break", "error", "cancel", "timeout"])
def test_whoever_leaves_before_the_end_ends_the_whole_tree(way: str, user: User, tmp_path: Path) -> None:
    lock = tmp_path / "lock"

    async def leave() -> None:
        async with runtime.stream_script(FOREVER.encode(), lock) as output:
            async for _ in output:
                if way == "break":
                    break
                if way == "error":
                    raise ValueError

    async def cancelled() -> None:
        task = asyncio.create_task(leave())
        while not is_there(lock):
            await asyncio.sleep(0.01)
        task.cancel()
        await task

    async def late() -> None:
        async with asyncio.timeout(3):
            await leave()

    work = {"cancel": cancelled, "timeout": late}.get(way, leave)
    expected = {"error": ValueError, "cancel": asyncio.CancelledError, "timeout": TimeoutError}.get(way)
    with pytest.raises(expected) if expected else contextlib.nullcontext():
        asyncio.run(work())
    assert is_there(lock)
    assert not is_held(lock)


class LateEnd(Future[ExecutionResult]):
    """Lets a run go on when it is asked for its end, and answers after that."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()

    def done(self) -> bool:
        self.asked.set()
        self.result(60)
        return True


def test_what_arrives_just_before_the_end_is_not_lost() -> None:
    end = LateEnd()
    result = ExecutionResult(exit_code=0, stdout="", stderr="", duration=0, phase="run", environment="host")

    def execute(run: Run) -> ExecutionResult:
        assert run.on_stdout
        end.asked.wait()
        run.on_stdout("last words")
        return result

    async def work() -> list[str]:
        output = OutputStream(execute, Run())
        output._future = end
        async with output:
            return [chunk.text async for chunk in output]

    assert asyncio.run(work()) == ["last words"]


def test_a_slow_consumer_slows_the_run_down(user: User) -> None:
    """What is not consumed does not pile up in memory."""
    measure = """
import asyncio, resource
from groundup.execution import ExecutionRuntime
SOURCE = b"import os\\nfor _ in range(3200): os.write(1, b'x' * 2**16)"

async def count():
    size = 0
    async with ExecutionRuntime().stream_script(SOURCE, capture_output=False) as output:
        async for chunk in output:
            if not size:
                await asyncio.sleep(0.5)  # the run goes on, as far as it may
            size += len(chunk.text)
    return size

ExecutionRuntime().run_script(b"", capture_output=False)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = asyncio.run(count())
print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", measure], capture_output=True, text=True, check=True)
    size, grown = map(int, done.stdout.split())
    assert size == 3200 * 2**16
    assert grown < 32 * 1024  # KiB


def test_a_consumer_that_does_not_consume_can_leave(user: User, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    source = FOREVER.replace("time.sleep(600)", "while True: print('x' * 10_000)").encode()

    async def ignore() -> None:
        async with runtime.stream_script(source, lock) as output:
            await asyncio.to_thread(until, lambda: output._waiting > 2**20, "as much as may wait")

    asyncio.run(ignore())
    assert is_there(lock)
    assert not is_held(lock)


def test_an_event_loop_that_is_gone_ends_the_run(user: User, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    loop = asyncio.new_event_loop()
    output = runtime.stream_script(
        (FOREVER.replace("time.sleep(600)", "while True: print('x' * 10_000)")).encode(), lock
    )
    loop.run_until_complete(output.__aenter__())
    loop.run_until_complete(output.__anext__())
    loop.close()
    until(lambda: is_there(lock) and not is_held(lock), "the end of the daemon")
    assert not is_held(lock)
