"""Entry scripts: `boot_env`, `start_app` and `get_config`, as their authors and their users meet them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.kernel.conftest import Ready
from tests.support.process import clean_env, describe, interpreters, run, run_kernel
from tests.support.repositories import entry_script, repository, write
from tests.support.trees import facts, wait_until_settled

APP = """
    import json, os, sys

    def report():
        print(json.dumps({
            "argv": sys.argv, "prefix": sys.prefix, "path": sys.path, "file": __file__,
            "pid": os.getpid(), "isolated": sys.flags.isolated, "json": json.__file__,
        }))

    def nothing(): pass
    def no(): return False
    def seven(): return 7
    def exits(): sys.exit(5)
    def fails(): raise ValueError("of the app")
    def killed(): os.kill(os.getpid(), 15)
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, fetched: None) -> Ready:
    """A warm repository of the project `demo` with the module `demo.app`; tests add scripts to it."""
    folder = tmp_path_factory.mktemp("app")
    env = clean_env(folder / "home")
    repo = repository(folder / "repo")
    write(repo, "src/demo/app.py", APP)
    run_kernel(repo, "boot", env=env, check=True)
    return Ready(repo, env)


@pytest.fixture
def client(tmp_path: Path, env: dict[str, str]) -> Ready:
    """A cold repository like `app`, for one test alone."""
    repo = repository(tmp_path / "repo")
    write(repo, "src/demo/app.py", APP)
    return Ready(repo, env)


def start(
    ready: Ready, script: Path, *args: str, python: str | Path = sys.executable, cwd: Path | None = None
) -> CompletedProcess[str]:
    """Run an entry script as its user does."""
    return run([str(python), str(script), *args], env=ready.env, cwd=cwd or ready.repo)


def report(done: CompletedProcess[str]) -> dict[str, Any]:
    """Return what `demo.app:report` printed; nothing else may stand on stdout."""
    assert done.returncode == 0, describe(done)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("function", ["start_app", "boot_env"])
def test_the_function_runs_isolated_in_the_environment(app: Ready, function: str) -> None:
    script = entry_script(app.repo, f"report-{function}", f'{function}("demo.app:report")')
    seen = report(start(app, script))
    assert seen["prefix"] == str(app.repo / ".venv")
    assert seen["file"] == str(app.repo / "src/demo/app.py")
    assert seen["isolated"] == 1


@pytest.mark.parametrize("function", ["start_app", "boot_env"])
def test_a_cold_start_builds_first_and_keeps_stdout_clean(client: Ready, function: str) -> None:
    script = entry_script(client.repo, "report", f'{function}("demo.app:report")')
    assert report(start(client, script))["prefix"] == str(client.repo / ".venv")


def test_the_command_line_belongs_to_the_function(app: Ready) -> None:
    script = entry_script(app.repo, "words", 'start_app("demo.app:report")')
    words = ["run", "--env", "none", "--help", "-v", "--", "a b", "ü", ""]
    assert report(start(app, script, *words))["argv"] == [str(script), *words]


def test_argv_starts_with_the_name_that_the_script_was_called_by(app: Ready) -> None:
    entry_script(app.repo, "called", 'start_app("demo.app:report")')
    relative = Path("../repo/entry_scripts/called")
    assert report(start(app, relative))["argv"] == [str(relative)]


@pytest.mark.parametrize("function", ["start_app", "boot_env"])
@pytest.mark.parametrize(("name", "code"), [("nothing", 0), ("seven", 7), ("exits", 5), ("killed", -15)])
def test_the_return_value_is_the_exit_code(app: Ready, function: str, name: str, code: int) -> None:
    script = entry_script(app.repo, f"{function}-{name}", f'{function}("demo.app:{name}")')
    done = start(app, script)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_an_exception_of_the_function_shows_its_own_traceback(app: Ready) -> None:
    done = start(app, entry_script(app.repo, "fails", 'start_app("demo.app:fails")'))
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("ValueError: of the app")
    assert "src/demo/app.py" in done.stderr


def test_a_module_beside_the_script_is_found(app: Ready) -> None:
    write(app.repo, "entry_scripts/tool_beside.py", "def main(): print(__file__)")
    done = start(app, entry_script(app.repo, "beside", 'start_app("tool_beside:main")'))
    assert done.stdout == f"{app.repo / 'entry_scripts/tool_beside.py'}\n", describe(done)


def test_the_environments_module_precedes_the_one_beside_the_script(app: Ready) -> None:
    write(app.repo, "shadow/entry_scripts/demo/app.py", "def report(): raise SystemExit('hijacked')")
    write(app.repo, "shadow/entry_scripts/demo/__init__.py", "")
    call = (
        f"sys.path.append({str(app.repo)!r}); import proto_kernel; proto_kernel.start_app('demo.app:report')"
    )
    script = write(app.repo, "shadow/entry_scripts/app", f"import os, sys; {call}\n")
    assert report(start(app, script))["file"] == str(app.repo / "src/demo/app.py")


def test_the_scripts_folder_stands_last_on_the_path(app: Ready) -> None:
    script = entry_script(app.repo, "path", 'start_app("demo.app:report")')
    path = report(start(app, script))["path"]
    assert path[-1] == str(app.repo / "entry_scripts")
    assert path.count(path[-1]) == 1


@pytest.mark.parametrize("function", ["start_app", "boot_env"])
def test_modules_named_like_standard_ones_do_not_hijack(client: Ready, function: str) -> None:
    script = entry_script(client.repo, "hostile", f'{function}("demo.app:report")')
    for name in ("logging", "json", "re", "subprocess", "tomllib", "runpy", "importlib"):
        write(client.repo, f"entry_scripts/{name}.py", "raise SystemExit('hijacked')")
    for _ in ("cold", "warm"):
        done = start(client, script, cwd=client.repo / "entry_scripts")
        assert "entry_scripts" not in report(done)["json"]


def test_a_link_to_the_script_is_as_good_as_the_script(app: Ready, tmp_path: Path) -> None:
    script = entry_script(app.repo, "linked", 'start_app("demo.app:report")')
    link = tmp_path / "bin/linked"
    link.parent.mkdir()
    link.symlink_to(script)
    seen = report(start(app, link, cwd=tmp_path))
    assert seen["prefix"] == str(app.repo / ".venv")
    assert seen["argv"] == [str(link)]


@pytest.mark.parametrize("version", interpreters())
def test_every_interpreter_starts_the_app(app: Ready, version: str) -> None:
    script = entry_script(app.repo, "any", 'start_app("demo.app:report")')
    seen = report(start(app, script, python=interpreters()[version]))
    assert seen["prefix"] == str(app.repo / ".venv")


def test_the_environments_own_python_starts_the_app(app: Ready) -> None:
    script = entry_script(app.repo, "own", 'start_app("demo.app:report")')
    assert report(start(app, script, python=app.repo / ".venv/bin/python"))["argv"] == [str(script)]


@pytest.mark.parametrize(
    ("target", "code", "named"),
    [
        ("demo.absent:main", 2, "demo.absent"),
        ("demo.app:absent", 2, "absent"),
        ("nowhere:main", 2, "nowhere"),
        ("demo.app", 2, "demo.app"),
        ("demo.app:", 2, "demo.app:"),
        (":main", 2, ":main"),
    ],
)
def test_a_target_that_is_not_there_is_one_clear_error(
    app: Ready, target: str, code: int, named: str
) -> None:
    done = start(app, entry_script(app.repo, "wrong", f'start_app("{target}")'))
    assert done.returncode == code, describe(done)
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert named in error
    assert hint.startswith("hint: ")


def test_a_missing_import_of_the_app_itself_is_not_mistaken_for_a_missing_app(app: Ready) -> None:
    write(app.repo, "entry_scripts/needy.py", "import not_there_at_all\ndef main(): pass")
    done = start(app, entry_script(app.repo, "needs", 'start_app("needy:main")'))
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("No module named 'not_there_at_all'")
    assert "needy.py" in done.stderr


def test_start_app_of_a_ready_environment_changes_nothing(app: Ready) -> None:
    script = entry_script(app.repo, "quiet", 'start_app("demo.app:nothing")')
    wait_until_settled(app.repo)
    assert start(app, script).returncode == 0
    before = facts(app.repo)
    assert start(app, script).returncode == 0
    assert facts(app.repo) == before


@pytest.mark.parametrize("function", ["start_app", "boot_env"])
def test_a_script_may_have_a_configuration_of_its_own(client: Ready, function: str) -> None:
    write(client.repo, "groundup.tools.toml", 'venv = ".venv-tools"\n')
    usual = entry_script(client.repo, "usual", f'{function}("demo.app:report")')
    tools = entry_script(client.repo, "tools", f'{function}("demo.app:report", config="tools")')
    assert report(start(client, usual))["prefix"] == str(client.repo / ".venv")
    assert report(start(client, tools))["prefix"] == str(client.repo / ".venv-tools")
    assert report(start(client, usual))["prefix"] == str(client.repo / ".venv")


def test_a_configuration_that_is_not_there_is_an_error_that_names_its_file(client: Ready) -> None:
    done = start(client, entry_script(client.repo, "lost", 'start_app("demo.app:report", config="lost")'))
    assert done.returncode == 2
    assert "groundup.lost.toml" in done.stderr.splitlines()[0]


GET_CONFIG = """
    import json, os, sys
    sys.path.append(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    import proto_kernel
    print(json.dumps(proto_kernel.get_config({arguments})))
"""


@pytest.mark.parametrize("version", interpreters())
def test_get_config_only_reads(client: Ready, version: str) -> None:
    write(client.repo, "groundup.toml", 'target = "usual"\n')
    script = write(client.repo, "entry_scripts/config", GET_CONFIG.format(arguments=""))
    start(client, script, python=interpreters()[version])  # byte code of the kernel
    before = facts(client.repo)
    done = start(client, script, python=interpreters()[version])
    assert report(done)["target"] == "usual"
    assert done.stderr == ""
    assert facts(client.repo) == before


def test_get_config_is_what_the_command_prints(client: Ready) -> None:
    write(client.repo, "groundup.toml", 'target = "usual"\n[neo]\nlevel = 3\n')
    write(client.repo, "groundup.tools.toml", 'target = "tools"\n')
    usual = write(client.repo, "entry_scripts/usual", GET_CONFIG.format(arguments=""))
    tools = write(client.repo, "entry_scripts/tools", GET_CONFIG.format(arguments='config="tools"'))
    printed = run_kernel(client.repo, "config", "--json", env=client.env, check=True).stdout
    assert report(start(client, usual)) == json.loads(printed)
    assert report(start(client, tools))["target"] == "tools"


def test_inside_the_environment_get_config_is_what_it_was_built_for(client: Ready) -> None:
    write(client.repo, "envs/dev/groundup.toml", 'target = "dev"\n')
    inner = f"""
        import json, sys
        sys.path.append({str(client.repo)!r})
        import proto_kernel

        def main():
            print(json.dumps(proto_kernel.get_config()))
    """
    write(client.repo, "src/demo/inner.py", inner)
    script = entry_script(client.repo, "inner", 'start_app("demo.inner:main")')
    assert report(start(client, script))["target"] == "ready"
    chosen = Ready(client.repo, {**client.env, "GROUNDUP_ENV": "dev"})
    assert report(start(chosen, script))["target"] == "dev"
