"""A process and all that it starts: streams, end, and what is left behind."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from groundup.errors import GroundupError
from groundup.execution.process import Ended, ProcessTree, Streams, run_process
from tests.support.background import Background, alive, until

ENV = {"PATH": os.environ["PATH"]}
BIG = 200 * 2**20  # bytes


def python(code: str, **options: object) -> Ended:
    """Run `code` by a bare interpreter."""
    return run_process([sys.executable, "-I", "-c", code], env=ENV, **options)  # type: ignore[arg-type]


def test_streams_are_kept_apart() -> None:
    ended = python("import sys; print('out'); print('err', file=sys.stderr)")
    assert (bytes(ended.stdout), bytes(ended.stderr)) == (b"out\n", b"err\n")
    assert (ended.exit_code, ended.timed_out) == (0, False)


@pytest.mark.parametrize("code", [0, 1, 3, 127, 255])
def test_exit_codes_are_kept(code: int) -> None:
    assert python(f"raise SystemExit({code})").exit_code == code


def test_a_signal_is_128_and_its_number() -> None:
    assert python("import os; os.kill(os.getpid(), 15)").exit_code == 128 + signal.SIGTERM


def test_bytes_that_are_not_text_survive() -> None:
    every = bytes(range(256))
    assert bytes(python("import sys; sys.stdout.buffer.write(bytes(range(256)))").stdout) == every


FLOOD = f"""
import os
for _ in range({BIG} // 2**16 // 2):
    os.write(1, b"o" * 2**16)
    os.write(2, b"e" * 2**16)
"""


def test_large_output_neither_blocks_nor_fills_memory() -> None:
    measure = f"""
import os, resource
from groundup.execution.process import run_process
import sys
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
ended = run_process([sys.executable, "-I", "-c", {FLOOD!r}], env=dict(os.environ))
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
assert ended.stdout.on_disk and ended.stderr.on_disk
assert all(set(chunk) == set(b"o") for chunk in ended.stdout.chunks())
print(ended.exit_code, len(ended.stdout), len(ended.stderr), grown)
"""
    done = subprocess.run([sys.executable, "-c", measure], capture_output=True, text=True, check=True)
    code, out, err, grown = map(int, done.stdout.split())
    assert (code, out, err) == (0, BIG // 2, BIG // 2)
    assert grown < 64 * 1024  # KiB


ECHO = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"


@pytest.mark.parametrize("stdin", [b"a\xff", "a\udcff", io.BytesIO(b"a\xff")])
def test_stdin_is_bytes_text_or_a_file_in_memory(stdin: bytes | str | io.BytesIO) -> None:
    assert bytes(python(ECHO, stdin=stdin).stdout) == b"a\xff"


def test_stdin_is_an_open_file(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"from a file")
    with (tmp_path / "in").open("rb") as file:
        assert bytes(python(ECHO, stdin=file).stdout) == b"from a file"


def test_without_stdin_there_is_nothing_to_read() -> None:
    assert bytes(python(ECHO).stdout) == b""


def test_much_in_while_much_comes_out() -> None:
    code = "import os\nwhile data := os.read(0, 2**16): os.write(1, data * 2)"
    content = os.urandom(5 * 2**20)
    assert len(python(code, stdin=content).stdout) == 2 * len(content)


def test_a_process_that_does_not_read_its_stdin_ends_well() -> None:
    assert python("import os; os.close(0); print('done')", stdin=b"x" * 2**20).exit_code == 0


def test_callbacks_get_text_as_it_arrives() -> None:
    heard: list[str] = []
    code = "import os, sys; os.write(1, b'first'); sys.stdin.read(1); os.write(1, b'second')"
    read, write = os.pipe()

    def hear(text: str) -> None:
        heard.append(text)
        if text == "first":  # the process goes on only when this has been heard
            os.write(write, b"!")

    with os.fdopen(read, "rb") as stdin:
        ended = python(code, stdin=stdin, on_stdout=hear, timeout=60)
    os.close(write)
    assert heard == ["first", "second"]
    assert bytes(ended.stdout) == b"firstsecond"


BYTE_BY_BYTE = """
import os, time
for byte in 'ä€😀'.encode() + b'\\xf0\\x9f':
    os.write(2, bytes([byte]))
    time.sleep(0.01)
"""


def test_callbacks_never_get_half_a_character() -> None:
    heard: list[str] = []
    python(BYTE_BY_BYTE, on_stderr=heard.append)
    assert heard == ["ä", "€", "😀", "\udcf0\udc9f"]


TREE = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-I", "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
{then}
"""


def test_a_timeout_kills_the_process_and_what_it_started() -> None:
    started = time.monotonic()
    ended = python(TREE.format(then="time.sleep(600)"), timeout=3)
    assert (ended.timed_out, ended.exit_code) == (True, 128 + signal.SIGKILL)
    assert 3 <= ended.duration <= time.monotonic() - started < 30
    until(lambda: not alive(int(bytes(ended.stdout))), "the end of the grandchild")


def test_what_a_process_leaves_behind_ends_with_it() -> None:
    ended = python(TREE.format(then="sys.exit(3)"), timeout=60)
    assert (ended.exit_code, ended.timed_out) == (3, False)
    until(lambda: not alive(int(bytes(ended.stdout))), "the end of the grandchild")


def test_output_that_something_else_keeps_open_is_not_waited_for() -> None:
    writer = "import os\\ntry:\\n  while True: os.write(1, b'x' * 2**16)\\nexcept OSError: pass"
    code = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-I", "-c", "{writer}"], start_new_session=True)
print(child.pid, file=sys.stderr)
"""
    ended = python(code, timeout=60)
    assert (ended.exit_code, ended.timed_out) == (0, False)
    until(lambda: not alive(int(bytes(ended.stderr))), "the end of the writer, whose pipe is closed")


def test_what_was_written_before_the_end_is_read_after_it() -> None:
    code = """
import fcntl, os
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 2**20)
os.write(1, str(os.getpid()).encode() + b" " + b"x" * 500_000)
"""
    heard: list[str] = []

    def wait_for_the_end(text: str) -> None:
        heard.append(text)
        until(lambda: not alive(int(heard[0].split()[0])), "the end of the writer")

    ended = python(code, on_stdout=wait_for_the_end)
    assert len(ended.stdout.text().split()[1]) == len("".join(heard).split()[1]) == 500_000


def test_an_error_in_a_callback_ends_the_tree_first() -> None:
    pids: list[int] = []

    def fail(text: str) -> None:
        pids.append(int(text))
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        python(TREE.format(then="time.sleep(600)"), on_stdout=fail)
    until(lambda: not alive(pids[0]), "the end of the grandchild")


def test_an_interrupt_ends_the_tree_first(tmp_path: Path) -> None:
    code = TREE.format(then="time.sleep(600)")
    caller = f"""
import sys
from groundup.execution.process import run_process
try:
    argv = [sys.executable, "-I", "-c", {code!r}]
    run_process(argv, env={{}}, on_stdout=lambda text: print(text, flush=True))
except KeyboardInterrupt:
    sys.exit(130)
"""
    with Background([sys.executable, "-c", caller], env={}, cwd=tmp_path) as background:
        until(lambda: background.stdout, "the grandchild")
        background.send(signal.SIGINT)
        assert background.wait() == 130
        until(lambda: not alive(int(background.stdout)), "the end of the grandchild")


def test_the_process_has_no_terminal_and_a_group_of_its_own() -> None:
    ended = python("import os; print(os.getpid(), os.getpgrp(), os.getsid(0))")
    pid, group, session = map(int, bytes(ended.stdout).split())
    assert pid == group == session != os.getsid(0)


@pytest.mark.parametrize(
    ("argv", "cwd"),
    [(["/no/such/program"], None), ([sys.executable, "\0"], None), ([sys.executable], "/no/such")],
)
def test_what_cannot_be_started_is_named(argv: list[str], cwd: str | None) -> None:
    with pytest.raises(GroundupError, match="cannot start"):
        run_process(argv, env=ENV, cwd=Path(cwd) if cwd else None)


def test_the_end_is_found_where_the_system_does_not_tell() -> None:
    argv = [sys.executable, "-I", "-c", "print(1)"]
    with ProcessTree(argv, ENV, None, subprocess.DEVNULL) as tree, Streams(tree) as streams:
        if streams.watch is not None:
            streams.selector.unregister(streams.watch)
            os.close(streams.watch)
            streams.watch = None
        captured = streams.read(tree.process.stdout, None)
        assert streams.pump_until_exit(None)
        streams.drain()
    assert (tree.exit_code, bytes(captured)) == (0, b"1\n")


def test_nothing_stays_open() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the listing itself holds a descriptor
    for _ in range(5):
        python("print(1)", stdin=b"x")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
