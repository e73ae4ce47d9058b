"""Projects and scripts in containers: what a run gives, and what it is given."""

import os
import signal
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from groundup.errors import UserError
from groundup.execution import ExecutionFailed, ExecutionResult
from groundup.execution.container import ImageMissing, IsolatedExecutionRuntime
from groundup.execution.container.engine import Engine
from groundup.execution.container.packages import package_store
from groundup.projects import create_project
from tests.support.containers import owned, runtime_of, seen
from tests.support.users import User, requiring


@pytest.fixture(params=["project", "script", "bytes"])
def way(request: pytest.FixtureRequest) -> str:
    """Each way to run something."""
    return str(request.param)


def run(
    way: str, runtime: IsolatedExecutionRuntime, user: User, source: str, *args: str, **options: object
) -> ExecutionResult:
    if way == "project":
        create_project(user.script(source), force=True)
        return runtime.run_project("hello", *args, **options)  # type: ignore[arg-type]
    script = user.script(source) if way == "script" else source.encode()
    return runtime.run_script(script, *args, **options)  # type: ignore[arg-type]


def test_a_run_gives_a_result(way: str, runtime: IsolatedExecutionRuntime, user: User) -> None:
    source = requiring("beta", "gamma") + "import beta, gamma, sys; beta.main(); print(sys.argv[1:])\n"
    result = run(way, runtime, user, source, "one", "two 'words'\nand lines")
    assert result.stdout == "beta with alpha 1.1\n['one', \"two 'words'\\nand lines\"]\n"
    assert (result.exit_code, result.stderr, result.phase) == (0, "", "run")
    assert result.environment == runtime.environment
    assert 0 < result.duration < 60


def test_an_exit_code_is_a_failure_with_both_streams(
    way: str, runtime: IsolatedExecutionRuntime, user: User
) -> None:
    source = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    with pytest.raises(ExecutionFailed, match="failed with exit code 3") as failed:
        run(way, runtime, user, source)
    result = failed.value.result
    assert (result.exit_code, result.stdout, result.stderr) == (3, "out\n", "err\n")


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_as_on_the_host(number: signal.Signals, runtime: IsolatedExecutionRuntime) -> None:
    code = "import os, signal, sys\nif sys.argv[1] == '2': signal.signal(2, signal.SIG_DFL)\n"
    code += "os.kill(os.getpid(), int(sys.argv[1]))"
    result = runtime.run_script(code.encode(), str(int(number)), check=False)
    assert (result.exit_code, result.stdout, result.stderr) == (128 + number, "", "")


def test_stdin_env_and_streams(way: str, runtime: IsolatedExecutionRuntime, user: User) -> None:
    source = """
import os, sys
print(os.environ["MINE"], os.environ["a.b"], input(), repr(sys.stdin.read()))
print("err ä", file=sys.stderr)
"""
    heard: dict[str, list[str]] = {"out": [], "err": []}
    result = run(
        way,
        runtime,
        user,
        source,
        env={"MINE": "it's\nmine", "a.b": "dotted"},
        stdin="line\nrest\n",
        on_stdout=heard["out"].append,
        on_stderr=heard["err"].append,
    )
    assert result.stdout == "".join(heard["out"]) == "it's\nmine dotted line 'rest\\n'\n"
    assert result.stderr == "".join(heard["err"]) == "err ä\n"


def test_without_stdin_there_is_nothing_to_read(runtime: IsolatedExecutionRuntime) -> None:
    assert runtime.run_script(b"import sys; print(repr(sys.stdin.read()))").stdout == "''\n"


def write_slowly(descriptor: int) -> None:
    """Write twice, and close."""
    for piece in (b"abc", b"de"):
        os.write(descriptor, piece)
    os.close(descriptor)


def test_stdin_from_a_file_and_from_a_pipe(runtime: IsolatedExecutionRuntime, tmp_path: Path) -> None:
    count = b"import sys; print(len(sys.stdin.buffer.read()))"
    (tmp_path / "large").write_bytes(bytes(5_000_000))
    with (tmp_path / "large").open("rb") as file:
        assert runtime.run_script(count, stdin=file).stdout == "5000000\n"
    read, write = os.pipe()
    with ThreadPoolExecutor(1) as pool, os.fdopen(read, "rb") as pipe:
        pool.submit(write_slowly, write)
        assert runtime.run_script(count, stdin=pipe).stdout == "5\n"


def test_stdin_that_is_not_read_is_no_error(runtime: IsolatedExecutionRuntime) -> None:
    assert runtime.run_script(b"print(1)", stdin=bytes(10_000_000)).stdout == "1\n"


def test_nothing_of_the_caller_leaks_in(
    way: str, runtime: IsolatedExecutionRuntime, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SECRET", "PYTHONPATH", "VIRTUAL_ENV", "HTTP_PROXY"):
        monkeypatch.setenv(name, "/leaked")
    source = """
import importlib.util, json, os, sys
print(json.dumps([
    [name for name, value in os.environ.items() if "leaked" in value],
    [name for name in ("pytest", "groundup", "pip", "setuptools") if importlib.util.find_spec(name)],
    [sys.flags.isolated, sys.prefix != sys.base_prefix, os.getcwd(), os.listdir(), os.environ["HOME"]],
]))
"""
    assert seen(run(way, runtime, user, source)) == [[], [], [1, True, "/work", [], "/tmp"]]  # noqa: S108


def test_commands_of_the_environment_are_on_path(
    way: str, runtime: IsolatedExecutionRuntime, user: User
) -> None:
    source = requiring("beta") + "import subprocess; subprocess.run(['beta'], check=True)\n"
    assert run(way, runtime, user, source).stdout == "beta with alpha 1.1\n"


def test_output_arrives_while_it_runs(runtime: IsolatedExecutionRuntime) -> None:
    read, write = os.pipe()
    heard: list[str] = []

    def answer(text: str) -> None:
        heard.append(text)
        os.write(write, b"go\n")

    with os.fdopen(read, "rb") as stdin:
        runtime.run_script(
            b"print('ready')\ninput()\nprint('gone')", stdin=stdin, on_stdout=answer, timeout=60
        )
    os.close(write)
    assert "".join(heard) == "ready\ngone\n"


def test_more_than_a_pipe_holds_and_bytes_that_are_not_text(runtime: IsolatedExecutionRuntime) -> None:
    source = b"""
import sys
for stream in (sys.stdout, sys.stderr):
    stream.buffer.write(b"x" * 10**7 + b"\\xff\\x00")
"""
    result = runtime.run_script(source)
    assert result.stdout_bytes == result.stderr_bytes == b"x" * 10**7 + b"\xff\x00"


def test_what_closes_its_output_is_waited_for(runtime: IsolatedExecutionRuntime) -> None:
    source = (
        b"import os, time; print('first', flush=True); os.close(1); os.close(2); time.sleep(1); os._exit(4)"
    )
    result = runtime.run_script(source, check=False)
    assert (result.exit_code, result.stdout) == (4, "first\n")


def test_a_timeout_ends_all_and_keeps_what_was_written(
    way: str, runtime: IsolatedExecutionRuntime, user: User
) -> None:
    source = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
print("there", flush=True)
time.sleep(600)
"""
    with pytest.raises(ExecutionFailed, match="did not end within") as failed:
        run(way, runtime, user, source, timeout=2)
    result = failed.value.result
    assert (result.phase, result.exit_code, result.stdout) == ("timeout", 128 + signal.SIGKILL, "there\n")
    assert 2 <= result.duration < 4


def test_the_working_folder_can_be_one_of_the_callers(runtime: IsolatedExecutionRuntime, user: User) -> None:
    folder = user.home / "data"
    folder.mkdir(mode=0o700)
    (folder / "given").write_text("from the caller")
    source = b"import os; print(os.getcwd(), open('given').read()); open('made', 'w').write('made')"
    assert runtime.run_script(source, cwd=folder).stdout == "/work from the caller\n"
    assert (folder / "made").read_text() == "made"
    for path in (folder, folder / "given", folder / "made"):
        assert path.stat().st_uid == os.getuid()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with pytest.raises(UserError, match="working folder does not exist"):
        runtime.run_script(source, cwd=folder / "missing")


@pytest.mark.parametrize(
    ("block", "requirements", "words"),
    [
        (requiring("nonexistent"), None, "nonexistent was not found"),
        ("", ["alpha<1", "alpha>1"], "unsatisfiable"),
    ],
)
def test_what_cannot_be_provided_is_a_failure_of_its_phase(
    runtime: IsolatedExecutionRuntime, user: User, block: str, requirements: list[str] | None, words: str
) -> None:
    script = user.script(block + "print('ran')")
    with pytest.raises(ExecutionFailed, match=f"(?s)script .*hello.py cannot .*{words}") as failed:
        runtime.run_script(script, requirements=requirements)
    assert failed.value.phase == "resolve"
    assert failed.value.result.stdout == ""
    assert [*package_store().names(), *package_store().abandoned()] == []


def test_requirements_on_top_and_inferred(runtime: IsolatedExecutionRuntime, user: User) -> None:
    source = requiring("alpha<1.1") + "import alpha, gamma; print(alpha.VERSION, gamma.VERSION)\n"
    assert runtime.run_script(user.script(source), requirements=["gamma"]).stdout == "1.0 1.0\n"
    assert runtime.run_script(b"import gamma; print(gamma.VERSION)", requirements=True).stdout == "1.0\n"


def test_an_environment_is_made_once_and_needs_nothing_afterwards(
    runtime: IsolatedExecutionRuntime, user: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = requiring("alpha").encode() + b"import alpha; print(alpha.VERSION)\n"
    runtime.run_script(source)
    asked = len(user.index.requests)
    monkeypatch.setenv("PATH", str(tmp_path))  # no uv
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    assert runtime.run_script(source).stdout == "1.1\n"
    assert len(user.index.requests) == asked
    assert len(package_store().names()) == 1


def test_a_project_runs_as_it_was_locked(runtime: IsolatedExecutionRuntime, user: User) -> None:
    create_project(requiring("alpha<1.1").encode() + b"import alpha; print(alpha.VERSION)", id="x")
    assert runtime.run_project("x").stdout == "1.0\n"
    with pytest.raises(UserError, match="there is no project 'y'"):
        runtime.run_project("y")
    with pytest.raises(UserError, match="is not the id"):
        runtime.run_project("../x")


def test_a_project_runs_without_the_python_that_locked_it(
    runtime: IsolatedExecutionRuntime, user: User
) -> None:
    project = create_project(b"import sys; print(sys.version_info[:2])", id="x")
    project.python.unlink()
    assert runtime.run_project("x").stdout == "(3, 12)\n"


def test_a_python_that_the_image_does_not_have(runtime: IsolatedExecutionRuntime, user: User) -> None:
    script = user.script(requiring("alpha", python=">=3.13"))
    with pytest.raises(UserError, match=r"hello\.py:.*it is for Python >=3\.13, the image has 3\.12") as bad:
        runtime.run_script(script)
    assert "python_tag" in bad.value.hint


def test_several_runs_at_once(runtime: IsolatedExecutionRuntime) -> None:
    source = requiring("alpha").encode() + b"import alpha, sys; print(alpha.VERSION, sys.argv[1])"
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda n: runtime.run_script(source, str(n)).stdout, range(3)))
    assert results == [f"1.1 {n}\n" for n in range(3)]


async def _lines(runtime: IsolatedExecutionRuntime) -> list[str]:
    async with runtime.stream_script(b"for n in range(3): print(n)") as output:
        return [chunk.text async for chunk in output]


def test_output_as_an_iterator(runtime: IsolatedExecutionRuntime) -> None:
    import asyncio

    assert "".join(asyncio.run(_lines(runtime))) == "0\n1\n2\n"


def test_an_image_without_python(user: User, docker: Engine) -> None:
    with (
        IsolatedExecutionRuntime(image="debian:bookworm-slim", pull="never") as runtime,
        pytest.raises(ImageMissing, match="debian:bookworm-slim has no python3") as missing,
    ):
        runtime.run_script(b"print(1)")
    assert "python_tag" in missing.value.hint
    assert owned(docker) == []


def test_the_default_image_has_the_python_of_groundup(user: User, docker: Engine) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if sys.version_info[:2] == (3, 12):
        IsolatedExecutionRuntime().close()
    else:
        with pytest.raises(ImageMissing, match=f"python:{version}-slim"):
            IsolatedExecutionRuntime(pull="never")


def test_an_image_is_known_by_what_it_contains(user: User, docker: Engine) -> None:
    name = f"groundup-test-{os.getpid()}"
    docker.api.tag(f"python:{'3.12-slim'}", name, "moving")
    try:
        with (
            runtime_of(user, docker) as reference,
            IsolatedExecutionRuntime(image=f"{name}:moving") as runtime,
        ):
            assert runtime.image == reference.image == docker.api.inspect_image("python:3.12-slim")["Id"]
            docker.api.tag("debian:bookworm-slim", name, "moving", force=True)
            assert runtime.run_script(b"print('still')").stdout == "still\n"
    finally:
        docker.api.remove_image(f"{name}:moving")
