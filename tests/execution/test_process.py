"""A process and what it writes and reads, however its tree is held."""

import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from groundup.errors import GroundupError
from groundup.execution.containment import Containment
from groundup.execution.process import Ended, run_process
from tests.execution.containments import contained
from tests.support.background import until

ENV = {"PATH": os.environ["PATH"]}
BIG = 200 * 2**20  # bytes


def python(code: str, **options: object) -> Ended:
    """Run `code` by a bare interpreter."""
    return run_process([sys.executable, "-I", "-c", code], env=ENV, **options)  # type: ignore[arg-type]


def test_streams_are_kept_apart(held: Containment) -> None:
    ended = python("import sys; print('out'); print('err', file=sys.stderr)", contained_by=held)
    assert (bytes(ended.stdout), bytes(ended.stderr)) == (b"out\n", b"err\n")
    assert (ended.exit_code, ended.timed_out, ended.containment) == (0, False, held.name)


@pytest.mark.parametrize("code", [0, 1, 3, 127, 255])
def test_exit_codes_are_kept(code: int, held: Containment) -> None:
    assert python(f"raise SystemExit({code})", contained_by=held).exit_code == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGINT])
def test_a_signal_is_128_and_its_number(number: signal.Signals, held: Containment) -> None:
    assert python(f"import os; os.kill(os.getpid(), {number})", contained_by=held).exit_code == 128 + number


def test_bytes_that_are_not_text_survive(held: Containment) -> None:
    code = "import sys; sys.stdout.buffer.write(bytes(range(256)))"
    assert bytes(python(code, contained_by=held).stdout) == bytes(range(256))


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


@pytest.mark.parametrize("timeout", [10.0**12, float("inf")])
def test_a_timeout_may_be_longer_than_anybody_waits(timeout: float) -> None:
    ended = python("print(1)", timeout=timeout)
    assert (ended.stdout.text(), ended.timed_out) == ("1\n", False)


def test_nothing_is_kept_where_nobody_wants_it() -> None:
    heard: list[str] = []
    code = "import sys; print('out'); print('err', file=sys.stderr)"
    ended = python(code, capture_output=False, on_stdout=heard.append)
    assert (heard, len(ended.stdout), len(ended.stderr)) == (["out\n"], 0, 0)


ECHO = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"


@pytest.mark.parametrize("stdin", [b"a\xff", "a\udcff", io.BytesIO(b"a\xff")])
def test_stdin_is_bytes_text_or_a_file_in_memory(stdin: bytes | str | io.BytesIO, held: Containment) -> None:
    if isinstance(stdin, io.BytesIO):
        stdin.seek(0)
    assert bytes(python(ECHO, stdin=stdin, contained_by=held).stdout) == b"a\xff"


def test_stdin_is_an_open_file(tmp_path: Path, held: Containment) -> None:
    (tmp_path / "in").write_bytes(b"from a file")
    with (tmp_path / "in").open("rb") as file:
        assert bytes(python(ECHO, stdin=file, contained_by=held).stdout) == b"from a file"


@pytest.mark.parametrize("stdin", [None, b""])
def test_without_stdin_there_is_nothing_to_read(stdin: bytes | None, held: Containment) -> None:
    assert bytes(python(ECHO, stdin=stdin, contained_by=held).stdout) == b""


def test_much_in_while_much_comes_out(held: Containment) -> None:
    code = "import os\nwhile data := os.read(0, 2**16): os.write(1, data * 2)"
    content = os.urandom(5 * 2**20)
    assert len(python(code, stdin=content, contained_by=held).stdout) == 2 * len(content)


def test_a_process_that_does_not_read_its_stdin_ends_well(held: Containment) -> None:
    ended = python("import os; os.close(0); print('done')", stdin=b"x" * 2**21, contained_by=held)
    assert ended.exit_code == 0


def test_callbacks_get_text_as_it_arrives(held: Containment) -> None:
    heard: list[str] = []
    code = "import os, sys; os.write(1, b'first'); sys.stdin.read(1); os.write(1, b'second')"
    read, write = os.pipe()

    def hear(text: str) -> None:
        heard.append(text)
        if text == "first":  # the process goes on only when this has been heard
            os.write(write, b"!")

    with os.fdopen(read, "rb") as stdin:
        ended = python(code, stdin=stdin, on_stdout=hear, timeout=60, contained_by=held)
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


def test_what_was_written_before_the_end_is_read_after_it(held: Containment, tmp_path: Path) -> None:
    code = f"""
import fcntl, os
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 2**20)
os.write(1, b"x" * 500_000)
open({str(tmp_path / "written")!r}, "w").close()
"""
    heard: list[str] = []

    def wait_for_the_end(text: str) -> None:
        heard.append(text)
        until((tmp_path / "written").exists, "the end of the writer")

    ended = python(code, on_stdout=wait_for_the_end, contained_by=held)
    assert len(ended.stdout) == len("".join(heard)) == 500_000


def test_the_process_has_no_terminal_and_a_session_of_its_own(held: Containment) -> None:
    code = "import os\nprint(os.getsid(0))\ntry: os.open('/dev/tty', 0)\nexcept OSError: print('none')"
    session, terminal = bytes(python(code, contained_by=held).stdout).split()
    assert int(session) != os.getsid(0)
    assert terminal == b"none"


def test_a_process_gets_what_it_is_given_and_nothing_else(held: Containment, tmp_path: Path) -> None:
    code = "import os; print(dict(os.environ), os.listdir('/proc/self/fd'), os.getcwd())"
    leaking = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(leaking, True)
    argv = [sys.executable, "-I", "-X", "utf8", "-c", code]
    ended = run_process(argv, env={"A": "ä\udcff", "LC_ALL": "C"}, cwd=tmp_path, contained_by=held)
    os.close(leaking)
    expected = {"A": "ä\udcff", "LC_ALL": "C", "PWD": str(tmp_path)}
    assert ended.stdout.text() == f"{expected} ['0', '1', '2', '3'] {tmp_path}\n"  # 3 is the listing's


def test_a_process_has_the_callers_rights_files_and_limits(held: Containment, tmp_path: Path) -> None:
    code = """
import os, resource, socket
print(os.getuid(), os.getgid(), socket.gethostname(), sorted(os.listdir("/")), os.listdir("/sys/class/net"))
print(os.readlink("/proc/self/ns/net"), os.umask(0), resource.getrlimit(resource.RLIMIT_CORE))
"""
    here = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=True, cwd=tmp_path)
    assert bytes(python(code, contained_by=held, cwd=tmp_path).stdout) == here.stdout


def test_changed_rights_and_limits_count_at_the_next_run(held: Containment) -> None:
    code = "import os; print(os.umask(0))"
    before = os.umask(0o027)
    try:
        assert bytes(python(code, contained_by=held).stdout) == b"23\n"
        os.umask(0o077)
        assert bytes(python(code, contained_by=held).stdout) == b"63\n"
    finally:
        os.umask(before)


def test_proc_shows_the_processes_of_the_run_only() -> None:
    code = "import os; print(os.readlink('/proc/self'), *filter(str.isdigit, os.listdir('/proc')))"
    assert bytes(python(code, contained_by=contained("pid-namespace")).stdout) == b"2 1 2\n"


@pytest.mark.parametrize(
    ("argv", "cwd"),
    [
        (["/no/such/program"], None),
        (["no-such-program"], None),
        ([sys.executable, "\0"], None),
        ([sys.executable], "/no/such"),
        ([__file__], None),
    ],
)
def test_what_cannot_be_started_is_named(argv: list[str], cwd: str | None, held: Containment) -> None:
    with pytest.raises(GroundupError, match="cannot start"):
        run_process(argv, env=ENV, cwd=Path(cwd) if cwd else None, contained_by=held)


def test_a_program_that_the_system_refuses_is_named(tmp_path: Path, held: Containment) -> None:
    program = tmp_path / "program"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    with pytest.raises(GroundupError, match="cannot start"):
        run_process([program], env=ENV, contained_by=held)


def test_a_working_folder_that_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(GroundupError, match="the working folder was removed"):
        python("")


def test_nothing_stays_open(held: Containment) -> None:
    python("", contained_by=held)
    before = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the listing itself holds a descriptor
    for _ in range(3):
        python("print(1)", stdin=b"x", contained_by=held)
        with pytest.raises(GroundupError):
            run_process(["/no/such/program"], env=ENV, stdin=b"x", contained_by=held)
    assert sorted(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_many_at_once(held: Containment) -> None:
    outputs: list[bytes] = []

    def one(number: int) -> None:
        outputs.append(bytes(python(f"print({number})", contained_by=held).stdout))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, outputs)) == list(range(12))
