"""What states and their processes write: apart from each other, all of it, and in the log of the run."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from groundup.dag.output import Capture, Children, Output, Running
from tests.support.background import until

PEOPLE = 4
LINES = 50


def evaluate(capture: Capture, name: str, call: Callable[[], object]) -> Output:
    """Evaluate `call` as a state; return its output."""
    output = capture.of(name)
    with Running(Children(), output):
        call()
    return output


def log_of(capture: Capture) -> str:
    assert capture.log is not None
    return capture.log.read_text(encoding="utf-8")


def test_what_is_printed_is_kept_and_not_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def state() -> None:
        print("to stdout")
        print("to stderr", file=sys.stderr)

    with Capture(tmp_path) as capture:
        output = evaluate(capture, "hello", state)
        print("shown")
    assert output.text() == "to stdout\nto stderr\n"
    assert capfd.readouterr() == ("shown\n", "")


def test_what_processes_write_is_kept_in_its_order(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def state() -> None:
        print("before", end=" ")
        subprocess.run(["echo", "between"], check=True)
        subprocess.run(["sh", "-c", "echo error >&2"], check=True)
        subprocess.run(["sh", "-c", "echo merged >&2; echo last"], stderr=subprocess.STDOUT, check=True)
        print("after")

    with Capture(tmp_path) as capture:
        output = evaluate(capture, "order", state)
    assert output.text() == "before between\nerror\nmerged\nlast\nafter\n"
    assert capfd.readouterr() == ("", "")


def test_streams_that_are_asked_for_are_given(tmp_path: Path) -> None:
    file = tmp_path / "file"

    def state() -> None:
        script = ["sh", "-c", "echo out; echo err >&2"]
        assert subprocess.run(script, capture_output=True, check=True).stderr == b"err\n"
        assert subprocess.check_output(script) == b"out\n"
        subprocess.run(script, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        with file.open("w") as opened:
            subprocess.run(script, stdout=opened, stderr=opened, check=True)
        subprocess.Popen(script, -1, None, None, subprocess.DEVNULL, None).wait()

    with Capture(tmp_path / "logs") as capture:
        assert evaluate(capture, "explicit", state).text() == "err\nerr\n"
    assert file.read_text() == "out\nerr\n"


def test_the_stream_of_a_state_can_be_given_to_a_process(tmp_path: Path) -> None:
    def state() -> None:
        subprocess.run(["echo", "one"], stdout=sys.stdout, check=True)
        subprocess.run(["sh", "-c", "echo two >&2"], stderr=sys.stderr, check=True)
        subprocess.run(["sh", "-c", "echo three >&2"], stderr=sys.stdout.fileno(), check=True)
        os.write(sys.stdout.fileno(), b"four\n")

    with Capture(tmp_path) as capture:
        output = evaluate(capture, "given", state)
        assert output.text() == "one\ntwo\nthree\nfour\n"


def test_states_at_the_same_time_are_kept_apart(tmp_path: Path) -> None:
    barrier = threading.Barrier(PEOPLE)
    outputs = {}

    def state(name: str) -> None:
        for number in range(LINES):
            if number % 10 == 0:
                barrier.wait(20)
                subprocess.run(["echo", name, str(number)], check=True)
            else:
                print(name, number, file=sys.stderr if number % 2 else sys.stdout)

    with Capture(tmp_path) as capture:

        def run(name: str) -> None:
            outputs[name] = evaluate(capture, name, lambda: state(name))

        threads = [threading.Thread(target=run, args=(f"state{n}",)) for n in range(PEOPLE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        log = log_of(capture)
    for name, output in outputs.items():
        expected = "".join(f"{name} {number}\n" for number in range(LINES))
        assert output.text() == expected
        assert expected in log
    assert log.count("===") == 2 * PEOPLE


def test_coroutines_on_one_loop_are_kept_apart(tmp_path: Path) -> None:
    async def state(capture: Capture, name: str) -> str:
        output = capture.of(name)
        with Running(Children(), output):
            for number in range(10):
                print(name, number)
                await asyncio.sleep(0)
            process = await asyncio.create_subprocess_exec("echo", name, "process")
            await process.wait()
            await asyncio.to_thread(print, name, "thread")
        return output.text()

    async def main(capture: Capture) -> list[str]:
        return await asyncio.gather(*[state(capture, f"state{n}") for n in range(PEOPLE)])

    with Capture(tmp_path) as capture:
        texts = asyncio.run(main(capture))
    for n, text in enumerate(texts):
        numbers = "".join(f"state{n} {number}\n" for number in range(10))
        assert text == f"{numbers}state{n} process\nstate{n} thread\n"


def test_the_log_tells_name_time_status_and_output_of_each_state(tmp_path: Path) -> None:
    with Capture(tmp_path / "a" / "b") as capture:
        evaluate(capture, "first", lambda: print("one\ntwo"))
        with pytest.raises(ZeroDivisionError):
            evaluate(capture, "second", lambda: print(1, 1 / 0))
        with capture.of("third") as output:
            sys.stdout.write("no line break")
            output.status = "changed"
        with pytest.raises(ZeroDivisionError):
            evaluate(capture, "fourth", lambda: (print("broken"), 1 / 0))
        log = log_of(capture)
        assert capture.log is not None
        assert capture.log.parent == tmp_path / "a" / "b"
        assert re.fullmatch(rf"\d{{8}}-\d{{6}}-{os.getpid()}(-\d+)?\.log", capture.log.name)
        assert capture.log.stat().st_mode & 0o777 == 0o600
    time = r"· \d{4}-\d\d-\d\d \d\d:\d\d:\d\d ·"
    assert re.fullmatch(
        rf"=== first {time} ok after \d+\.\d s ===\none\ntwo\n\n"
        rf"=== third {time} changed after \d+\.\d s ===\nno line break\n\n"
        rf"=== fourth {time} failed after \d+\.\d s ===\nbroken\n\n",
        log,
    )


def test_a_run_without_output_leaves_nothing(tmp_path: Path) -> None:
    with Capture(tmp_path / "logs") as capture:
        output = evaluate(capture, "silent", lambda: None)
        assert (output.text(), output.tail(), output.last_line(), capture.log) == ("", "", "", None)
        evaluate(capture, "flushes", lambda: print(end="", flush=True))
        evaluate(capture, "piped", lambda: subprocess.run(["echo"], capture_output=True, check=True))
    assert not (tmp_path / "logs").exists()


def test_a_process_that_writes_nothing_leaves_nothing(tmp_path: Path) -> None:
    with Capture(tmp_path) as capture:
        output = evaluate(capture, "quiet", lambda: subprocess.run(["true"], check=True))
        assert output.text() == ""
    assert list(tmp_path.iterdir()) == []


def test_an_output_can_be_read_while_its_state_runs_and_after_the_run(tmp_path: Path) -> None:
    with Capture(tmp_path) as capture, Running(Children(), capture.of("state")) as running:
        assert running.output is not None
        process = subprocess.Popen(["sh", "-c", "echo running; exec sleep 600"])
        output = running.output
        until(lambda: output.last_line() == "running", "the line")
        process.kill()
        process.wait()
        print("ended")
    assert output.text() == "running\nended\n"
    assert output.tail(1) == output.last_line() == "ended"
    for file in tmp_path.iterdir():
        file.unlink()
    assert output.text() == ""


def test_secrets_are_neither_logged_nor_shown(tmp_path: Path) -> None:
    def state() -> None:
        print("upload --token hunter2 to https://me:hunter2@example.org/")
        subprocess.run(["echo", "MY_PASSWORD=hunter2"], check=True)

    with Capture(tmp_path) as capture:
        output = evaluate(capture, "upload", state)
        with Running(Children(), capture.of("other")) as running:
            state()
            assert running.output is not None
            assert "hunter2" not in running.output.text() + running.output.tail()
            assert running.output.last_line() == "MY_PASSWORD=***"
        assert "hunter2" not in log_of(capture)
        assert "upload --token *** to https://***@example.org/" in log_of(capture)
    assert "hunter2" not in output.text()


def test_bytes_that_are_no_text_survive_in_the_log(tmp_path: Path) -> None:
    def state() -> None:
        subprocess.run(["printf", r"a\377\376b\n"], check=True)
        sys.stdout.buffer.write(b"\x80 token=x \xff\n")

    with Capture(tmp_path) as capture:
        output = evaluate(capture, "raw", state)
        assert capture.log is not None
        assert b"a\xff\xfeb\n\x80 token=*** \xff\n" in capture.log.read_bytes()
    assert output.text() == "a\ufffd\ufffdb\n\ufffd token=*** \ufffd\n"


MUCH = r"""
import re, subprocess, sys
from pathlib import Path
from groundup.dag.output import Capture, Children, Running
with Capture(Path(sys.argv[1])) as capture, Running(Children(), capture.of("much")) as running:
    subprocess.run(["sh", "-c", "yes 'a line of output' | head -c 200000000"], check=True)
    assert running.output.last_line()
    assert len(running.output.tail(1000).splitlines()) == 1000
peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]  # not that of who started it
print(peak, capture.log.stat().st_size)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak of memory")
def test_200_megabytes_are_kept_without_filling_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MUCH, str(tmp_path)], capture_output=True, text=True, check=True, timeout=200
    )
    kilobytes, size = map(int, done.stdout.split())
    assert size > 200_000_000
    assert kilobytes < 60_000


def test_a_handler_that_holds_the_real_stream_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logger = logging.Logger("earlier")
    logger.addHandler(logging.StreamHandler(sys.stderr))

    def state() -> None:
        logger.warning("to the terminal")
        logger.addHandler(logging.StreamHandler(sys.stderr))

    with Capture(tmp_path) as capture:
        output = evaluate(capture, "logging", state)
        with Running(Children(), capture.of("next")) as running:
            logger.warning("twice")
            assert running.output is not None
            assert running.output.text() == "twice\n"
    logger.warning("both")
    assert output.text() == ""
    assert capfd.readouterr().err == "to the terminal\ntwice\nboth\nboth\n"


def test_what_is_written_after_the_end_of_a_state_is_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    go_on = threading.Event()

    def later() -> None:
        go_on.wait(20)
        print("late")
        subprocess.run(["echo", "late too"], check=True)

    with Capture(tmp_path) as capture:
        thread = threading.Thread(target=later)

        def state() -> None:
            print("in time")
            thread.start()

        output = evaluate(capture, "state", state)
        go_on.set()
        thread.join()
    assert output.text() == "in time\n"
    assert capfd.readouterr().out == "late\nlate too\n"


def test_a_state_that_runs_on_when_the_run_ends_is_logged(tmp_path: Path) -> None:
    go_on, begun = threading.Event(), threading.Event()

    def state() -> None:
        print("begun")
        sys.stdout.fileno()
        begun.set()
        go_on.wait(20)

    with Capture(tmp_path) as capture:
        output = capture.of("slow")

        def evaluate_it() -> None:
            with Running(Children(), output):
                state()

        thread = threading.Thread(target=evaluate_it)
        thread.start()
        begun.wait(20)
    assert "unfinished after" in log_of(capture)
    go_on.set()
    thread.join()
    assert output.status == "unfinished"
    assert log_of(capture).count("===") == 2


def test_thousands_of_outputs_need_few_open_files(tmp_path: Path) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    with Capture(tmp_path) as capture:
        outputs = [evaluate(capture, f"state{n}", lambda: print("x")) for n in range(200)]
        assert count() <= before + 1
        exposed = evaluate(capture, "exposed", lambda: print(sys.stdout.fileno()))
        descriptor = int(exposed.text())
        assert os.fstat(descriptor).st_size
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    assert {output.text() for output in outputs} == {"x\n"}


def test_runs_overlap_in_one_process(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stdout = sys.stdout
    first, second = Capture(tmp_path), Capture(tmp_path)
    with first:
        second.__enter__()
        assert evaluate(first, "a", lambda: print("one")).text() == "one\n"
        assert evaluate(second, "b", lambda: print("two")).text() == "two\n"
    assert evaluate(second, "c", lambda: print("three")).text() == "three\n"
    print("shown")
    second.__exit__(None, None, None)
    assert sys.stdout is stdout
    assert capfd.readouterr().out == "shown\n"
    assert first.log != second.log
