"""sys.stdout and sys.stderr of a state behave as programs expect of a file, outside as they did."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from groundup.dag.output import Capture, Children, Output, Running


@contextmanager
def running(folder: Path) -> Iterator[Output]:
    """Let the block be a state."""
    with Capture(folder) as capture, Running(Children(), capture.of("state")) as state:
        assert state.output is not None
        yield state.output


def test_text_is_written_whatever_it_holds(tmp_path: Path) -> None:
    with running(tmp_path) as output:
        assert sys.stdout.write("ä\n") == 2
        sys.stdout.writelines(["b\n", "c\n"])
        print("one", "two", sep="-", end="!\n", flush=True)
        print("\udcff is a byte, \ud800 is nothing")
        assert output.text() == "ä\nb\nc\none-two!\n\\udcff is a byte, \\ud800 is nothing\n"


def test_a_byte_in_a_file_name_is_written_as_it_is(tmp_path: Path) -> None:
    with running(tmp_path) as output:
        print("name-\udcff")
        assert output.text() == "name-\ufffd\n"


def test_bytes_are_written(tmp_path: Path) -> None:
    with running(tmp_path) as output:
        assert sys.stdout.buffer.write(b"abc") == 3
        assert sys.stderr.buffer.write(memoryview(b"def")) == 3
        assert sys.stdout.buffer.writable()
        sys.stdout.buffer.flush()
        assert output.text() == "abcdef"
        assert sys.stdout.buffer.fileno() == sys.stdout.fileno()


def test_a_stream_of_a_state_is_no_terminal_and_knows_its_encoding(tmp_path: Path) -> None:
    with running(tmp_path):
        assert not sys.stdout.isatty()
        assert (sys.stdout.encoding, sys.stdout.errors) == ("utf-8", "surrogateescape")
        assert isinstance(sys.stdout, io.TextIOBase)
        assert sys.stdout.writable()
        assert not sys.stdout.readable()


def test_closing_a_stream_of_a_state_does_no_harm(tmp_path: Path) -> None:
    with running(tmp_path) as output:
        sys.stdout.close()
        sys.stdout.buffer.close()
        assert not sys.stdout.closed
        print("still there")
        assert output.text() == "still there\n"


def test_only_text_is_text(tmp_path: Path) -> None:
    with running(tmp_path):
        wrong: Any = b"bytes"
        with pytest.raises(TypeError, match="must be str, not bytes"):
            sys.stdout.write(wrong)


def test_output_can_be_redirected_inside_of_a_state(tmp_path: Path) -> None:
    with running(tmp_path) as output:
        inner = io.StringIO()
        with contextlib.redirect_stdout(inner):
            print("inner")
        print("outer")
        assert (inner.getvalue(), output.text()) == ("inner\n", "outer\n")


def test_outside_of_states_a_stream_is_what_it_was(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    real: Any = sys.stdout
    with Capture(tmp_path):
        stream: Any = sys.stdout
        assert stream is not real
        for name in ("encoding", "errors", "closed", "newlines", "buffer", "name", "line_buffering"):
            assert getattr(stream, name) == getattr(real, name), name
        assert stream.fileno() == real.fileno()
        assert stream.isatty() == real.isatty()
        stream.reconfigure(line_buffering=real.line_buffering)
        print("text", flush=True)
        stream.buffer.write(b"bytes\n")
        stream.flush()
        with pytest.raises(AttributeError):
            stream.no_such_attribute  # noqa: B018
    assert sys.stdout is real
    stream.write("afterwards\n")
    assert capfdbinary.readouterr().out == b"text\nbytes\nafterwards\n"


WITHOUT_STREAMS = """
import sys
from pathlib import Path
from groundup.dag.output import Capture, Children, Running
assert sys.stdout is None
with Capture(Path(sys.argv[1])) as capture:
    print("nowhere")
    with Running(Children(), capture.of("state")) as running:
        print("somewhere")
assert sys.stdout is None
assert running.output.text() == "somewhere\\n", running.output.text()
"""


def test_a_process_without_stdout_captures_too(tmp_path: Path) -> None:
    script = f"exec {sys.executable} -W error -c \"$1\" '{tmp_path}' >&-"
    done = subprocess.run(
        ["sh", "-c", script, "sh", WITHOUT_STREAMS], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


ON_A_TERMINAL = """
import os, pty, sys
pid, master = pty.fork()
if pid:
    text = b""
    try:
        while data := os.read(master, 4096):
            text += data
    except OSError:
        pass
    os.waitpid(pid, 0)
    sys.stdout.buffer.write(text)
    sys.exit()
from pathlib import Path
from groundup.dag.output import Capture, Children, Running
with Capture(Path(sys.argv[1])) as capture:
    print(sys.stdout.isatty())
    with Running(Children(), capture.of("state")) as running:
        import subprocess
        print(sys.stdout.isatty(), flush=True)
        subprocess.run(["sh", "-c", "test -t 1 || test -t 2 || echo no terminal"])
    print(running.output.text().split("\\n"))
"""


def test_a_state_sees_no_terminal_where_there_is_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ON_A_TERMINAL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["True", "['False', 'no terminal', '']"]
