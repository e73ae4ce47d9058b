"""Projects and scripts on the host."""

import os
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from groundup.errors import UserError
from groundup.execution import ExecutionFailed, ExecutionResult, ExecutionRuntime, create_execution_runtime
from groundup.execution.containment import containment
from groundup.projects import create_project
from tests.support.holding import HOLD, is_held
from tests.support.users import User, requiring

runtime = ExecutionRuntime()


@pytest.fixture(params=["project", "script", "bytes"])
def way(request: pytest.FixtureRequest) -> str:
    """Each of the three ways to run the same source."""
    return str(request.param)


def run(way: str, user: User, source: str, *args: str, **options: object) -> ExecutionResult:
    """Run `source` as a project, as a file, or as bytes."""
    if way == "project":
        create_project(user.script(source), force=True)
        return runtime.run_project("hello", *args, **options)  # type: ignore[arg-type]
    script = user.script(source) if way == "script" else source.encode()
    return runtime.run_script(script, *args, **options)  # type: ignore[arg-type]


def test_a_run_gives_a_result(way: str, user: User) -> None:
    source = requiring("beta", "gamma") + "import beta, gamma, sys; beta.main(); print(sys.argv[1:])\n"
    result = run(way, user, source, "one", "two words")
    assert str(result) == result.stdout == "beta with alpha 1.1\n['one', 'two words']\n"
    assert (result.exit_code, result.stderr, result.phase) == (0, "", "run")
    assert result.environment == f"host:{containment().name}" == runtime.environment
    assert 0 < result.duration < 60


def test_an_exit_code_is_a_failure_with_both_streams(way: str, user: User) -> None:
    source = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    with pytest.raises(ExecutionFailed, match="failed with exit code 3") as failed:
        run(way, user, source)
    result = failed.value.result
    assert (result.exit_code, result.stdout, result.stderr) == (3, "out\n", "err\n")
    assert (failed.value.phase, failed.value.exit_code) == ("run", 3)
    unchecked = run(way, user, source, check=False)
    assert (unchecked.exit_code, unchecked.stdout, unchecked.stderr) == (3, "out\n", "err\n")


def test_stderr_does_not_replace_stdout(way: str, user: User) -> None:
    result = run(way, user, "import sys; print('out'); print('warning', file=sys.stderr)")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "out\n", "warning\n")


def test_a_traceback_is_a_failure(way: str, user: User) -> None:
    with pytest.raises(ExecutionFailed) as failed:
        run(way, user, "print('before')\nraise ValueError('boom')")
    assert failed.value.hint == "its last words: ValueError: boom"
    assert failed.value.result.stdout == "before\n"
    assert "Traceback" in failed.value.result.stderr


def test_nothing_of_the_callers_python_leaks_in(
    way: str, user: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "leaked.py").write_text("")
    (tmp_path / "sitecustomize.py").write_text("print('sitecustomize ran')")
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    source = """
import importlib.util, os, sys
print([name for name in ("pytest", "groundup", "pip", "leaked") if importlib.util.find_spec(name)])
print(sys.flags.isolated, sys.prefix != sys.base_prefix)
print([name for name in os.environ if name.startswith(("PYTHON", "VIRTUAL"))])
print(all(p.startswith((sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix))) for p in sys.path))
"""
    assert run(way, user, source).stdout == "[]\n1 True\n[]\nTrue\n"


def test_a_module_beside_the_script_or_in_the_working_folder_hijacks_nothing(way: str, user: User) -> None:
    (user.home / "json.py").write_text("print('hijacked')")
    assert run(way, user, "import json; print(json.dumps(1))", cwd=user.home).stdout == "1\n"


def test_commands_of_the_environment_are_on_path(way: str, user: User) -> None:
    source = requiring("beta") + "import subprocess; subprocess.run(['beta'], check=True)\n"
    assert run(way, user, source).stdout == "beta with alpha 1.1\n"


def test_env_cwd_and_stdin(way: str, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTER", "passes")
    source = "import os; print(os.environ['OUTER'], os.environ['MINE'], os.getcwd(), input())"
    result = run(way, user, source, env={"MINE": "1"}, cwd=user.home, stdin="line\n")
    assert result.stdout == f"passes 1 {user.home} line\n"


def test_a_working_folder_that_is_not_there(way: str, user: User) -> None:
    with pytest.raises(UserError, match="working folder does not exist"):
        run(way, user, "", cwd=user.home / "missing")


def test_output_is_utf8_whatever_the_locale(way: str, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "POSIX")
    source = "import sys; print('ä€'); sys.stdout.flush(); sys.stdout.buffer.write(b'\\xff')"
    result = run(way, user, source)
    assert result.stdout == "ä€\n\udcff"
    assert result.stdout_bytes == "ä€\n".encode() + b"\xff"


def test_more_than_a_pipe_holds(way: str, user: User) -> None:
    source = "import sys\nfor s in (sys.stdout, sys.stderr): s.write('x' * 10**7)\n"
    result = run(way, user, source)
    assert len(result.stdout) == len(result.stderr) == 10**7


def test_output_arrives_while_it_runs(way: str, user: User) -> None:
    read, write = os.pipe()
    heard: list[str] = []

    def answer(text: str) -> None:
        heard.append(text)
        os.write(write, b"go\n")

    with os.fdopen(read, "rb") as stdin:
        run(way, user, "print('ready')\ninput()\nprint('gone')", stdin=stdin, on_stdout=answer, timeout=60)
    os.close(write)
    assert "".join(heard) == "ready\ngone\n"


def test_a_timeout_ends_the_tree_and_keeps_what_was_written(way: str, user: User) -> None:
    source = f"""{HOLD}
daemon(sys.argv[1])
wait_for(sys.argv[1])
print("there")
time.sleep(600)
"""
    lock = user.home / "lock"
    with pytest.raises(ExecutionFailed, match=r"did not end within 3\.\d s and was killed") as failed:
        run(way, user, source, str(lock), timeout=3)
    result = failed.value.result
    assert (result.phase, result.exit_code) == ("timeout", 128 + signal.SIGKILL)
    assert result.stdout == "there\n"
    assert not is_held(lock)


@pytest.mark.parametrize(
    ("block", "requirements", "phase", "words"),
    [
        (requiring("nonexistent"), None, "resolve", "nonexistent was not found"),
        ("", ["alpha<1", "alpha>1"], "resolve", "unsatisfiable"),
        (requiring("elsewhere"), None, "install", "elsewhere"),
    ],
)
def test_what_cannot_be_provided_is_a_failure_of_its_phase(
    user: User, block: str, requirements: list[str] | None, phase: str, words: str
) -> None:
    script = user.script(block + "print('ran')")
    with pytest.raises(ExecutionFailed, match=f"(?s)script .*hello.py cannot .*{words}") as failed:
        runtime.run_script(script, requirements=requirements)
    result = runtime.run_script(script, requirements=requirements, check=False)
    assert failed.value.phase == result.phase == phase
    assert (result.stdout, result.exit_code != 0) == ("", True)
    assert words in result.stderr
    assert failed.value.exit_code == 1


def test_a_bad_script_block_is_the_users_error(user: User) -> None:
    with pytest.raises(UserError, match=r"hello\.py:2"):
        runtime.run_script(user.script("# /// script\n# dependencies = [\n# ///\n"), check=False)


def test_requirements_come_on_top_of_the_block(user: User) -> None:
    source = requiring("alpha<1.1") + "import alpha, gamma; print(alpha.VERSION, gamma.VERSION)\n"
    assert runtime.run_script(user.script(source), requirements=["gamma"]).stdout == "1.0 1.0\n"


def test_a_script_runs_as_its_own_file(user: User) -> None:
    script = user.script("print(__file__)")
    assert runtime.run_script(script).stdout == f"{script}\n"


def environments(user: User) -> list[Path]:
    return [path for path in (user.data / "cache/environments").iterdir() if not path.name.startswith(".")]


def test_an_environment_is_made_once_and_needs_nothing_afterwards(
    user: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = requiring("alpha") + "import alpha; print(alpha.VERSION)\n"
    runtime.run_script(user.script(source, "one.py"))
    asked = len(user.index.requests)
    monkeypatch.setenv("PATH", str(tmp_path))  # no uv
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    assert runtime.run_script(user.script(source, "two.py")).stdout == "1.1\n"
    assert runtime.run_script(b"import alpha; print(alpha.VERSION)", requirements=["alpha"]).stdout == "1.1\n"
    assert len(environments(user)) == 1
    assert len(user.index.requests) == asked


def test_several_at_once_make_one_environment(user: User) -> None:
    with ThreadPoolExecutor(4) as pool:
        source = requiring("alpha", "gamma").encode() + b"import alpha; print(alpha.VERSION)"
        results = list(pool.map(lambda _: runtime.run_script(source).stdout, range(4)))
    assert results == ["1.1\n"] * 4
    assert len(environments(user)) == 1


def test_an_environment_whose_python_is_gone_is_built_again(user: User) -> None:
    runtime.run_script(b"print(1)")
    (environment,) = environments(user)
    (environment / ".venv/bin/python").unlink()
    (environment / ".venv/bin/python").symlink_to("/no/such/python")
    assert runtime.run_script(b"print(1)").stdout == "1\n"
    assert environments(user) == [environment]


def test_a_project_whose_python_is_gone_says_so(user: User) -> None:
    project = create_project(b"print(1)", id="x")
    project.python.unlink()
    with pytest.raises(UserError, match="the Python of project 'x' is gone") as refused:
        runtime.run_project("x")
    assert "force=True" in refused.value.hint


def test_an_unknown_project_is_the_users_error(user: User) -> None:
    with pytest.raises(UserError, match="there is no project 'x'"):
        runtime.run_project("x")
    with pytest.raises(UserError, match="is not the id"):
        runtime.run_project("../x")


def test_a_project_runs_without_uv_and_index(
    user: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    create_project(requiring("alpha").encode() + b"import alpha; print(alpha.VERSION)", id="x")
    asked = len(user.index.requests)
    monkeypatch.setenv("PATH", str(tmp_path))
    shutil.rmtree(user.home)
    assert runtime.run_project("x").stdout == "1.1\n"
    assert len(user.index.requests) == asked


def test_an_unknown_isolation_is_an_error() -> None:
    with pytest.raises(UserError, match="'vm' is not known"):
        create_execution_runtime(isolate="vm")  # type: ignore[arg-type]


def test_the_host_is_the_default() -> None:
    assert type(create_execution_runtime()) is ExecutionRuntime
    assert (
        type(create_execution_runtime(isolate=False, python_tag="3.12", network="none")) is ExecutionRuntime
    )


def test_the_same_interpreter_as_groundup_unless_the_script_asks_otherwise(user: User) -> None:
    result = runtime.run_script(b"import sys; print(sys.version_info[:2], sys.base_prefix)")
    assert result.stdout == f"{sys.version_info[:2]} {sys.base_prefix}\n"
