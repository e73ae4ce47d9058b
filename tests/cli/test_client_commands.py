"""Commands that a repository declares: listed with their source, their options are parameters of states."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.neo import Neo
from tests.support.process import run_kernel
from tests.support.repositories import write

STATES = '''
    from enum import Enum
    from pathlib import Path
    from typing import Annotated, Literal

    from pydantic import BaseModel, Field

    from groundup import Config, Params, command, state


    class Colour(Enum):
        RED = "red"
        GREEN = "green"


    class Migration(BaseModel):
        to: int = Field(0, description="The revision that is wanted.")
        dry_run: bool = False
        colour: Colour = Colour.RED
        tags: list[str] = []
        ratio: float | None = None
        note: str = "none"


    class Server(BaseModel):
        port: int


    @state
    def server(params: Params[Server]) -> int:
        """A server listens."""
        return params.port


    @state
    def migrated(config: Config, params: Params[Migration]) -> str:
        """The database is at a revision."""
        text = params.model_dump_json()
        (config.root / "work/migrated.json").write_text(text)
        return text


    @state(needs=["server", "migrated"])
    def deployed() -> None:
        """All is deployed."""


    command("migrate", target=migrated)
    command("listen", target=server, help="Serve what there is [at a port].")
    command("deploy", target="deployed", options_of=[server, migrated])


    @command(target="deployed")
    def release(
        level: Annotated[Literal["major", "minor"], "How much is new."],
        json: int = 1,
        ports: list[int] = [],
    ) -> dict[str, dict[str, object]]:
        """Release it.

        With everything that belongs to it.
        """
        print("releasing", level)
        return {"migrated": {"to": json, "note": level}, "server": {"port": sum(ports)}}
'''


@pytest.fixture
def repo(client: Neo) -> Neo:
    """A repository whose commands are those above."""
    write(client.repo, "groundup_states.py", STATES)
    return client


def groundup(neo: Neo, *words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
    return neo.run(neo.module(*words), check=check, variables={"COLUMNS": "200"})


def migrated(neo: Neo, *words: str) -> dict[str, object]:
    """Run a command and return the parameters that reached the state."""
    groundup(neo, *words, check=True)
    found: dict[str, object] = json.loads((neo.repo / "work/migrated.json").read_text())
    return found


DEFAULTS = {"to": 0, "dry_run": False, "colour": "red", "tags": [], "ratio": None, "note": "none"}


# ── options ──────────────────────────────────────────────────────────────────────────────────────────


def test_without_options_the_defaults_count(repo: Neo) -> None:
    assert migrated(repo, "migrate") == DEFAULTS


def test_each_field_of_the_model_is_an_option(repo: Neo) -> None:
    words = ("--to", "12", "--dry-run", "--colour", "green", "--tags", "a", "--tags", "b", "--ratio", "0.5")
    assert migrated(repo, "migrate", *words, "--note", "3.10") == {
        "to": 12,
        "dry_run": True,
        "colour": "green",
        "tags": ["a", "b"],
        "ratio": 0.5,
        "note": "3.10",
    }


def test_an_option_comes_before_a_setting_and_a_setting_before_the_configuration(repo: Neo) -> None:
    config = repo.repo / "groundup.toml"
    before = config.read_text()
    try:
        config.write_text(f"{before}\n[neo.params.migrated]\nto = 1\nnote = 'configured'\ndry_run = true\n")
        run_kernel(repo.repo, "check", env=repo.env)
        run_kernel(repo.repo, "run", "true", env=repo.env, check=True)
        found = migrated(repo, "migrate", "--to", "3", "--set", "migrated.to=2", "--set", "migrated.note=set")
        assert (found["to"], found["note"], found["dry_run"]) == (3, "set", True)
        assert migrated(repo, "migrate", "--no-dry-run")["dry_run"] is False
    finally:
        config.write_text(before)
        run_kernel(repo.repo, "run", "true", env=repo.env, check=True)


PATHS = '''
    import json
    from pathlib import Path

    from pydantic import BaseModel

    from groundup import Params, command, state

    HERE = Path.cwd()


    class Files(BaseModel):
        file: Path = Path("default.txt")
        others: list[Path] = []


    @state
    def told(params: Params[Files]) -> None:
        """It tells its files, and where it runs."""
        found = {"file": str(params.file), "others": [str(path) for path in params.others]}
        Path("work/told.json").write_text(json.dumps({**found, "here": [str(HERE), str(Path.cwd())]}))


    command("tell", target=told)


    @command(target=told)
    def tell_one(file: Path) -> dict[str, dict[str, object]]:
        """Tell one file."""
        return {"told": {"file": file}}
'''


@pytest.mark.parametrize(
    ("words", "file", "others"),
    [
        (["tell"], "default.txt", []),
        (["tell", "--file", "a.txt"], "work/sub/a.txt", []),
        (["tell", "--file", "../../a.txt", "--others", "x", "--others", "/y"], "a.txt", ["work/sub/x", "/y"]),
        (["tell", "--file", "/a.txt"], "/a.txt", []),
        (["tell", "--file", "-"], "-", []),
        (["tell", "--set", "told.file=a.txt"], "a.txt", []),
        (["tell-one", "--file", "a.txt"], "work/sub/a.txt", []),
    ],
)
def test_a_path_is_meant_from_where_it_is_typed_and_states_run_in_root(
    client: Neo, words: list[str], file: str, others: list[str]
) -> None:
    write(client.repo, "groundup_states.py", PATHS)
    folder = client.repo / "work/sub"
    folder.mkdir()
    client.run(client.module(*words), cwd=folder, check=True)
    told = json.loads((client.repo / "work/told.json").read_text())
    assert told == {"file": file, "others": others, "here": [str(client.repo)] * 2}


def test_a_path_outside_of_the_repository_is_absolute(client: Neo, tmp_path: Path) -> None:
    write(client.repo, "groundup_states.py", PATHS)
    client.run(client.module("tell", "--file", "a.txt"), cwd=tmp_path, check=True)
    told = json.loads((client.repo / "work/told.json").read_text())
    assert told["file"] == str(tmp_path / "a.txt")


def test_several_states_may_give_a_command_its_options(repo: Neo) -> None:
    assert migrated(repo, "deploy", "--port", "80", "--to", "4")["to"] == 4


def test_the_parameters_of_a_function_are_options(repo: Neo) -> None:
    words = ("--level", "minor", "--json", "7", "--ports", "80", "--ports", "8")
    found = migrated(repo, "release", *words)
    assert (found["to"], found["note"]) == (7, "minor")


def test_the_options_of_a_run_are_there_too(repo: Neo) -> None:
    done = groundup(repo, "listen", "--port", "80", "--json", check=True)
    assert json.loads(done.stdout.splitlines()[-1])["targets"] == ["server"]
    assert groundup(repo, "listen", "--port", "80", "-q", check=True).stderr == ""
    assert "evaluated every time  server" in groundup(repo, "listen", "--port", "80", "-n", check=True).stdout


def test_a_field_takes_the_place_of_an_option_of_a_run(repo: Neo) -> None:
    done = groundup(repo, "migrate", "--dry-run", check=True)
    assert "SUCCESS: migrated" in done.stderr


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("migrate", "--to", "x"), r"to: Input should be a valid integer"),
        (("migrate", "--colour", "blue"), "colour: Input should be 'red' or 'green'"),
        (("listen",), "port is missing"),
        (("release",), "release --level: Field required"),
        (("release", "--level", "tiny"), "release --level: Input should be 'major' or 'minor'"),
        (("migrate", "--two", "2"), "No such option: --two"),
    ],
)
def test_a_wrong_option_is_told_and_nothing_runs(repo: Neo, words: tuple[str, ...], error: str) -> None:
    done = groundup(repo, *words)
    assert (done.returncode, done.stdout) == (2, "")
    told, hint = done.stderr.splitlines()
    assert told.startswith("error: ") and error in told
    assert hint.startswith("hint: ")
    assert not (repo.repo / "work/migrated.json").exists()


def test_the_hint_for_a_missing_option_names_it(repo: Neo) -> None:
    assert "give it by --port or --set server.port=" in groundup(repo, "listen").stderr


def test_a_wrong_option_is_named_as_it_was_typed(repo: Neo) -> None:
    assert "(--to)" in groundup(repo, "migrate", "--to", "x").stderr


# ── help ─────────────────────────────────────────────────────────────────────────────────────────────


def test_help_lists_each_command_with_its_source(repo: Neo) -> None:
    text = " ".join(groundup(repo, "--help", check=True).stdout.split())
    lines = (repo.repo / "groundup_states.py").read_text().splitlines()
    line = lines.index('command("migrate", target=migrated)') + 1
    assert f"The database is at a revision. (groundup_states.py:{line})" in text
    assert "Serve what there is [at a port]. (groundup_states.py:" in text
    assert "Release it. (groundup_states.py:" in text
    assert text.index("quickstart") < text.index("Commands of this repository") < text.index("migrate")


def test_help_of_a_command_has_its_options_with_kinds_and_defaults(repo: Neo) -> None:
    text = " ".join(groundup(repo, "migrate", "--help", check=True).stdout.split())
    assert "--to INT The revision that is wanted. [default: 0]" in text
    assert "--colour red|green [default: red]" in text
    assert "--tags TEXT [repeatable]" in text
    assert "--ratio FLOAT" in text
    assert "--dry-run --no-dry-run" in text
    assert "Reaches migrated." in text
    text = " ".join(groundup(repo, "listen", "--help", check=True).stdout.split())
    assert "--port INT [required, here or in the configuration]" in text


def test_help_of_a_functions_command_has_its_docstring(repo: Neo) -> None:
    text = " ".join(groundup(repo, "release", "--help", check=True).stdout.split())
    assert "Release it. (groundup_states.py:" in text
    assert "With everything that belongs to it." in text
    assert "--level major|minor How much is new. [required]" in text


def test_a_mistyped_command_is_told_with_the_nearest(repo: Neo) -> None:
    done = groundup(repo, "migarte")
    assert done.returncode == 2
    assert "Did you mean 'migrate'" in done.stderr


def test_through_the_kernel_and_by_the_console_script_it_is_the_same(repo: Neo) -> None:
    run_kernel(repo.repo, "migrate", "--to", "5", env=repo.env, check=True)
    assert json.loads((repo.repo / "work/migrated.json").read_text())["to"] == 5
    repo.run(repo.script("migrate", "--to", "6"), cwd=repo.repo / "docs", check=True)
    assert json.loads((repo.repo / "work/migrated.json").read_text())["to"] == 6


# ── mistakes ─────────────────────────────────────────────────────────────────────────────────────────


def declared(neo: Neo, text: str) -> str:
    """Let the repository declare something; return the place of its last line."""
    file = write(neo.repo, "groundup_states.py", f"from groundup import command\n{text}\n")
    return f"{file}:{text.count(chr(10)) + 2}"


@pytest.mark.parametrize("name", ["reach", "boot"])
def test_a_name_of_groundups_own_is_an_error_with_both_places(client: Neo, name: str) -> None:
    place = declared(client, f'command("{name}", target="ready")')
    done = groundup(client, "reach", "ready")
    assert done.returncode == 2
    told = done.stderr.splitlines()[0]
    assert place in told
    assert f"there is a command {name} already: /" in told


def test_two_of_one_name_are_an_error_with_both_places(client: Neo) -> None:
    first = declared(client, 'command("go", target="ready")')
    second = declared(client, 'command("go", target="ready")\ncommand("go", target="config")')
    told = groundup(client, "go").stderr.splitlines()[0]
    assert f"{second}: there is a command go already: {first}" in told


def test_an_option_that_every_command_has_is_an_error(client: Neo) -> None:
    place = declared(client, '@command(target="ready")\ndef go(help: str) -> dict:\n    return {}')
    place = place.removesuffix(":4") + ":2"
    told = groundup(client, "go").stderr.splitlines()[0]
    assert told == f"error: {place}: the command go cannot have an option --help of its own"


def test_an_unknown_target_is_told_with_the_commands_place(client: Neo) -> None:
    place = declared(client, 'command("go", target="redy")')
    done = groundup(client, "go")
    assert done.stderr == f"error: {place}: there is no state named redy\nhint: did you mean ready?\n"


def test_options_of_one_name_are_an_error(client: Neo) -> None:
    text = STATES + '    command("both", target=migrated, options_of=[migrated, migrated2])\n'
    second = 'def migrated(config: Config, params: Params[Migration]) -> str:\n        """The database is'
    assert second in text
    again = "    @state\n    def migrated2(params: Params[Server2]) -> None: ...\n\n\n"
    again = "    class Server2(BaseModel):\n        to: int = 1\n\n\n" + again
    head, _, tail = text.partition('    command("migrate"')
    write(client.repo, "groundup_states.py", f'{head}{again}    command("migrate"{tail}')
    done = groundup(client, "both")
    assert done.returncode == 2
    assert "both migrated and migrated2 give the command both an option --to" in done.stderr


def test_help_is_given_where_a_module_is_broken_and_says_so(client: Neo) -> None:
    file = write(client.repo, "groundup_states.py", "1 / 0\n")
    done = groundup(client, "--help", check=True)
    assert "quickstart" in done.stdout
    told = done.stderr.splitlines()[0]
    assert told.startswith(f"warning: commands of this repository are left out: {file}:1: ZeroDivisionError")


def test_modules_are_not_loaded_for_a_command_of_groundups_own(client: Neo) -> None:
    write(client.repo, "groundup_states.py", "1 / 0\n")
    assert groundup(client, "kernel", "status").returncode == 0
    assert groundup(client, "reach", "--help").returncode == 0


def test_a_function_that_gives_something_else_is_told(client: Neo) -> None:
    place = declared(client, '@command(target="ready")\ndef go():\n    return 3')
    done = groundup(client, "go")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {place.rpartition(':')[0]}:2: go gave 3\n")


def test_a_function_that_fails_is_told_with_the_place_of_both(client: Neo) -> None:
    place = declared(client, '@command(target="ready")\ndef go():\n    raise ValueError("oops")')
    file = place.rpartition(":")[0]
    done = groundup(client, "go")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {file}:2: go failed: ValueError: oops ({file}:4)\n")
