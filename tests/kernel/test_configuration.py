"""The leaps of configuration, seen through `config`: each value, its default, and where it came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup import proto_kernel
from tests.kernel.configuring import effective, origins
from tests.support.errors import told
from tests.support.process import clean_env, interpreters, run_kernel
from tests.support.repositories import bare_repository, copy_kernel, repository, write, write_project
from tests.support.trees import facts


def test_without_any_configuration_every_key_has_its_default(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    copy_kernel(repo)
    assert effective(repo) == {
        "kernel": str(repo / "proto_kernel.py"),
        "version": proto_kernel.__version__,
        "config": None,
        "root": str(repo),
        "envs_dir": str(repo / "envs"),
        "default_env": None,
        "env": None,
        "venv": str(repo / ".venv"),
        "python": None,
        "python_selector": None,
        "projects": [],
        "auth": [],
        "uv": {"version": proto_kernel.UV_VERSION, "min_version": proto_kernel.UV_VERSION},
        "target": "ready",
        "commands": {},
        "neo": {},
    }


FULL = """
    envs_dir = "stages"
    venv = "build/env"
    python = "3.12"
    python_selector = "tools/choose.py"
    projects = [{ path = "one", editable = false, extras = ["x"], groups = [] }]
    auth = ["keyring"]
    target = "served"

    [uv]
    min_version = "0.9"

    [commands]
    test = ["pytest", "-q"]

    [neo]
    states = ["tools.states"]
    [neo.params.deploy]
    region = "eu"
"""


def test_every_key_takes_effect(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo", FULL)
    write_project(repo / "one", "one", extras={"x": [], "y": []}, groups={"dev": []})
    values = effective(repo)
    assert values["envs_dir"] == str(repo / "stages")
    assert values["venv"] == str(repo / "build/env")
    assert (values["python"], values["python_selector"]) == ("3.12", "tools/choose.py")
    assert values["projects"] == [
        {"path": str(repo / "one"), "editable": False, "extras": ["x"], "groups": []}
    ]
    assert values["auth"] == ["keyring"]
    assert values["uv"] == {"version": proto_kernel.UV_VERSION, "min_version": "0.9"}
    assert values["target"] == "served"
    assert values["commands"] == {"test": ["pytest", "-q"]}
    assert values["neo"] == {"states": ["tools.states"], "params": {"deploy": {"region": "eu"}}}


def test_the_table_in_pyproject_is_the_same_as_a_file_of_its_own(tmp_path: Path) -> None:
    keys = {"python": "3.12", "commands": {"hello": ["echo"]}}
    repo = repository(tmp_path / "repo", tool={"groundup": keys})
    values = effective(repo)
    assert (values["python"], values["commands"]) == ("3.12", {"hello": ["echo"]})


def test_projects_take_all_extras_and_groups_that_they_declare(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", extras={"a": [], "b": []}, groups={"dev": [], "docs": []})
    (project,) = effective(repo)["projects"]
    assert project == {
        "path": str(repo),
        "editable": True,
        "extras": ["a", "b"],
        "groups": ["dev", "docs"],
    }


# ── where values came from ───────────────────────────────────────────────────────────────────────────


def test_explain_names_leap_file_and_line_of_each_value(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo", 'projects = []\n\ntarget = "served"\n\n[commands]\na = ["x"]\n')
    write(repo, "envs/prod/groundup.toml", '# production\n[commands]\nb = ["y"]\n')
    found = origins(repo, "--env", "prod")
    client, env = repo / "groundup.toml", repo / "envs/prod/groundup.toml"
    assert found["target"] == ("served", "client", f"{client}:3")
    assert found["commands.a"] == (["x"], "client", f"{client}:6")
    assert found["commands.b"] == (["y"], "env", f"{env}:3")
    assert found["env"] == ("prod", "input", "--env")
    assert found["venv"] == (str(repo / "envs/prod/.venv"), "derived", "default")


def test_explain_names_the_line_in_pyproject(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", tool={"groundup": {"target": "served"}})
    lines = (repo / "pyproject.toml").read_text().splitlines()
    line = lines.index('target = "served"') + 1
    assert origins(repo)["target"] == ("served", "client", f"{repo / 'pyproject.toml'}:{line}")


def test_explain_as_text_has_a_line_for_every_value(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo", 'projects = []\npython = "3.12"\n')
    text = run_kernel(repo, "config", "--explain", check=True).stdout
    for key, (value, leap, place) in origins(repo).items():
        (line,) = (line for line in text.splitlines() if line.startswith(f"{key} = "))
        assert json.dumps(value) in line and leap in line and place in line


def test_config_without_options_prints_every_value(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo", 'projects = []\npython = "3.12"\n')
    lines = run_kernel(repo, "config", check=True).stdout.splitlines()
    assert 'python = "3.12"' in lines
    assert {line.split(" = ")[0] for line in lines} == origins(repo).keys()


@pytest.mark.parametrize(
    ("files", "request_", "place"),
    [
        ({"repo/groundup.toml": 'python = "3.12"\n', "repo/.python-version": "3.13\n"}, "3.12", "client"),
        ({"repo/.python-version": "# chosen\n\n3.13\n"}, "3.13", "repo/.python-version:3"),
        ({".python-version": "3.12.1\n"}, "3.12.1", ".python-version:1"),
        (
            {"repo/pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.11"\n'},
            ">=3.11",
            "repo/pyproject.toml:3",
        ),
    ],
    ids=["key", "file", "file above", "requires-python"],
)
def test_the_python_request_and_its_place(
    tmp_path: Path, files: dict[str, str], request_: str, place: str
) -> None:
    copy_kernel(tmp_path / "repo")
    for name, text in files.items():
        write(tmp_path, name, text)
    value, leap, found = origins(tmp_path / "repo")["python"]
    assert value == request_
    assert place in (leap, found.replace(f"{tmp_path}/", ""))


# ── root elsewhere ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def apart(tmp_path: Path) -> Path:
    """A kernel in `tools/`, whose repository's root is the folder above."""
    copy_kernel(tmp_path / "repo/tools")
    write(tmp_path, "repo/tools/groundup.toml", 'root = ".."\n')
    return tmp_path / "repo"


def test_root_may_be_elsewhere(apart: Path) -> None:
    write(apart, "groundup.toml", 'projects = []\ntarget = "served"\n')
    found = origins(apart / "tools")
    assert found["root"] == (str(apart), "primer", f"{apart / 'tools/groundup.toml'}:1")
    assert found["venv"][0] == str(apart / ".venv")
    assert found["target"] == ("served", "client", f"{apart / 'groundup.toml'}:2")


def test_a_root_without_configuration_is_fine(apart: Path) -> None:
    assert effective(apart / "tools")["root"] == str(apart)


def test_beside_the_kernel_nothing_but_root_may_stand_then(apart: Path) -> None:
    file = write(apart, "tools/groundup.toml", 'root = ".."\ntarget = "served"\n')
    error, _ = told(run_kernel(apart / "tools", "config"), 2)
    assert f"{file}:2" in error and "target" in error


def test_root_is_refused_anywhere_but_beside_the_kernel(apart: Path) -> None:
    file = write(apart, "groundup.toml", 'target = "served"\nroot = "."\n')
    error, _ = told(run_kernel(apart / "tools", "config"), 2)
    assert f"{file}:2" in error and "root" in error


def test_a_root_that_is_here_may_share_the_file_with_everything_else(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo", 'root = "."\nprojects = []\ntarget = "served"\n')
    assert effective(repo)["target"] == "served"


def test_commands_run_in_a_root_elsewhere(apart: Path) -> None:
    write(apart, "groundup.toml", 'projects = []\ncommands.where = ["pwd"]\n')
    done = run_kernel(apart / "tools", "where", cwd=apart.parent, check=True)
    assert done.stdout == f"{apart}\n"
    assert (apart / ".venv/pyvenv.cfg").is_file()


# ── a configuration for one entry script ─────────────────────────────────────────────────────────────


def test_another_configuration_is_read_where_it_exists(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo", 'projects = []\ntarget = "usual"\nvenv = ".usual"\n')
    write(repo, "groundup.docs.toml", 'projects = []\ntarget = "docs"\n')
    write(repo, "envs/prod/groundup.toml", 'venv = ".prod"\n')
    found = origins(repo, "--config", "docs", "--env", "prod")
    assert found["config"][0] == "docs"
    assert found["target"] == ("docs", "client", f"{repo / 'groundup.docs.toml'}:2")
    assert found["venv"] == (str(repo / ".prod"), "env", f"{repo / 'envs/prod/groundup.toml'}:1")


def test_a_configuration_of_its_own_in_the_environment_replaces_the_usual_one(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo")
    write(repo, "groundup.docs.toml", "projects = []\n")
    write(repo, "envs/prod/groundup.toml", 'target = "usual"\n')
    write(repo, "envs/prod/groundup.docs.toml", 'venv = ".docs"\n')
    values = effective(repo, "--config", "docs", "--env", "prod")
    assert (values["target"], values["venv"]) == ("ready", str(repo / ".docs"))


def test_a_named_configuration_stands_beside_either_form_of_the_usual_one(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", tool={"groundup": {"target": "usual"}})
    write(repo, "groundup.docs.toml", 'projects = []\ntarget = "docs"\n')
    assert effective(repo, "--config", "docs")["target"] == "docs"
    assert effective(repo)["target"] == "usual"


def test_a_configuration_that_is_missing_beside_the_kernel_is_an_error(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo")
    error, _ = told(run_kernel(repo, "--config", "docs", "config"), 2)
    assert "groundup.docs.toml" in error and str(repo) in error


# ── looking changes nothing ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "arguments",
    [["config"], ["config", "--json"], ["config", "--explain"], ["--help"], ["--version"], ["check"]],
)
def test_looking_changes_nothing(tmp_path: Path, arguments: list[str]) -> None:
    repo = repository(tmp_path / "repo", configuration='venv = "env"\n')
    env = clean_env(tmp_path / "home", GROUNDUP_HOME=str(tmp_path / "groundup"))
    before = facts(tmp_path)
    run_kernel(repo, *arguments, env=env)
    assert facts(tmp_path) == before


def test_configured_commands_are_listed_in_the_help(tmp_path: Path) -> None:
    repo = bare_repository(
        tmp_path / "repo", 'projects = []\n[commands]\nwater = ["true"]\nwine = ["true"]\n'
    )
    text = run_kernel(repo, "--help", check=True).stdout
    assert "water" in text and "wine" in text
    assert all(name in text for name in proto_kernel.KERNEL_COMMANDS)


def test_the_help_works_with_a_broken_configuration(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo", "not toml\n")
    done = run_kernel(repo, "--help", check=True)
    assert "groundup.toml:1" in done.stdout


NEO = """
    projects = []

    [neo]
    day = 1979-05-27
    moments = [1979-05-27T07:32:00Z, 07:32:00]
    bounds = { least = -inf, usual = 1.5, most = nan }
"""


@pytest.mark.parametrize("option", [[], ["--json"], ["--explain"], ["--json", "--explain"]])
def test_what_json_does_not_know_is_printed_as_text(tmp_path: Path, option: list[str]) -> None:
    repo = bare_repository(tmp_path / "repo", NEO)
    done = run_kernel(repo, "config", *option, check=True)
    assert all(f'"{text}"' in done.stdout for text in ("1979-05-27", "07:32:00", "-inf", "nan"))
    if option == ["--json"]:
        values = json.loads(done.stdout, parse_constant=pytest.fail)["neo"]
        assert values["moments"] == ["1979-05-27 07:32:00+00:00", "07:32:00"]
        assert values["bounds"]["usual"] == 1.5


@pytest.mark.parametrize("version", interpreters())
def test_dates_in_the_table_of_neo_stop_no_boot(tmp_path: Path, fetched: None, version: str) -> None:
    repo = bare_repository(tmp_path / "repo", NEO)
    for _ in ("cold", "warm"):
        run_kernel(repo, "boot", python=interpreters()[version], check=True)


def test_an_unknown_argument_of_config_is_an_error(tmp_path: Path) -> None:
    error, hint = told(run_kernel(bare_repository(tmp_path / "repo"), "config", "--jsno"), 2)
    assert "--jsno" in error and "--json" in hint


@pytest.mark.parametrize("option", [[], ["--json"], ["--explain"], ["--json", "--explain"]])
def test_secrets_in_the_configuration_are_masked_wherever_it_is_printed(
    tmp_path: Path, option: list[str]
) -> None:
    secrets = """
        projects = []
        auth = ["keyring @ https://me:zq8zq9@index.invalid/keyring.whl"]
        commands.publish = ["upload", "--token", "zq8zq9", "--password=zq8zq9"]
    """
    repo = bare_repository(tmp_path / "repo", secrets)
    text = run_kernel(repo, "config", *option, check=True).stdout
    assert "zq8zq9" not in text
    assert "index.invalid" in text and "upload" in text
