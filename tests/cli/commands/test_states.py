"""`groundup states`: one line for each of many states, by what brought it; all about one in the long form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup.states import builtin_graph
from tests.support.neo import Neo, neo_repository
from tests.support.terminal import Terminal

NAMES = {state.name for state in builtin_graph()}

PLUG_IN = """
    [project]
    name = "acme-states"
    version = "1.0"
    requires-python = ">=3.11"

    [project.entry-points."groundup.states"]
    acme = "acme_states"

    [build-system]
    requires = ["uv_build>=0.13.8,<0.14"]
    build-backend = "uv_build"
"""
ACME = '''
    from pathlib import Path

    from groundup import state


    @state(replaces="ready")
    def acme_ready(replaced: Path) -> Path:
        """All of Acme's things are there, too."""
        return replaced
'''
MANY = """
    from groundup import state


    def make(number):
        def generated():
            pass

        generated.__doc__ = f"Number {number} of very many states, which has a summary of some length."
        needs = [f"generated_{number // 2}"] if number else []
        return state(generated, name=f"generated_{number}", needs=needs)


    globals().update({f"generated_{number}": make(number) for number in range(200)})
"""
OWN = '''
    from pathlib import Path

    from pydantic import BaseModel

    from groundup import Config, Lazy, Params, state


    class Options(BaseModel):
        region: str
        size: int = 1


    @state(inputs=["schema/*.sql"], outputs=["built/schema"], needs=["acme_done"])
    def schema(config: Config, generated_3: Lazy[None], params: Params[Options]) -> str:
        """The schema is there.

        In the region that is asked for.
        """
        built = config.root / "built"
        built.mkdir(exist_ok=True)
        (built / "schema").write_text(params.region)
        return params.region


    @state
    def acme_done(ready: Path) -> None:
        """Acme's things are done with."""
'''


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Neo:
    """A repository with states from everywhere: a plug-in, two hundred generated ones, its own."""
    files = {
        "acme/pyproject.toml": PLUG_IN,
        "acme/src/acme_states/__init__.py": ACME,
        "tools/many.py": MANY,
        "groundup_states.py": OWN,
    }
    neo = {"states": ["tools.many"], "params": {"schema": {"region": "eu"}}}
    return neo_repository(tmp_path_factory.mktemp("client"), files=files, projects=["acme"], neo=neo)


def listed(client: Neo, *words: str) -> list[str]:
    return client.run(client.module("states", *words), check=True).stdout.splitlines()


# ── one line each ────────────────────────────────────────────────────────────────────────────────────


def test_each_state_has_a_line_under_what_brought_it(client: Neo) -> None:
    lines = listed(client)
    titles = [line for line in lines if line and not line.startswith(" ")]
    (named,) = [line for line in titles if "tools.many" in line]
    assert titles == ["built-in", "entry point acme of acme-states", named, "groundup_states.py"]
    assert named.startswith("groundup.toml:")
    names = {line.split()[0] for line in lines if line.startswith(" ")}
    assert names == NAMES | {f"generated_{n}" for n in range(200)} | {"ready.replaced", "schema", "acme_done"}
    assert sum(1 for line in lines if line.startswith(" ")) == len(names)


def test_summaries_stand_in_one_column_and_what_is_replaced_behind_them(client: Neo) -> None:
    lines = listed(client, "ready*")
    width = len("ready.replaced")
    assert lines == [
        "built-in",
        f"  {'ready.replaced':{width}}  {builtin_graph()['ready'].summary}",
        "",
        "entry point acme of acme-states",
        f"  {'ready':{width}}  All of Acme's things are there, too.  (replaces: built-in)",
    ]


def test_on_a_terminal_a_line_is_as_long_as_it_is_wide(client: Neo) -> None:
    env = {**client.env, "COLUMNS": "60"}
    with Terminal(client.module("states", "generated_1*"), env=env, cwd=client.repo) as terminal:
        terminal.wait()
    lines = [line for line in terminal.shown.splitlines() if "generated_" in line]
    assert len(lines) == 111
    assert {len(line) for line in lines} == {60}
    assert all(line.endswith("…") for line in lines)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("generated_19*", {f"generated_{n}" for n in (19, *range(190, 200))}),
        ("schema", {"schema"}),
        ("sche", {"schema"}),
        ("[sa]c[hm]*", {"schema", "acme_done"}),
        ("?chema", {"schema"}),
    ],
)
def test_a_pattern_chooses_among_names(client: Neo, pattern: str, names: set[str]) -> None:
    assert {line.split()[0] for line in listed(client, pattern) if line.startswith(" ")} == names


def test_a_pattern_that_nothing_matches_is_an_error(client: Neo) -> None:
    done = client.run(client.module("states", "zzz"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: no state matches zzz\nhint: `groundup states` lists them all\n"


# ── all about each ───────────────────────────────────────────────────────────────────────────────────


def test_the_long_form_says_all_that_is_declared(client: Neo) -> None:
    assert listed(client, "--long", "schema") == [
        "groundup_states.py",
        "  schema",
        "      The schema is there.",
        "",
        "      In the region that is asked for.",
        "      needs       config, generated_3 (lazy), acme_done",
        "      params      region, size",
        "      inputs      schema/*.sql (matches nothing)",
        "      outputs     built/schema",
        "      from        groundup_states.py",
        "      never uses  generated_3",
        "      source      groundup_states.py:13",
    ]


def test_the_long_form_says_what_a_state_replaces(client: Neo) -> None:
    (line,) = [line for line in listed(client, "-l", "ready") if "replaces " in line]
    assert line.split(None, 1)[1] == f"{builtin_graph()['ready'].source}, from built-in"


def test_the_data_for_machines_has_origins(client: Neo) -> None:
    done = client.run(client.module("states", "--json"), check=True)
    states = {state["name"]: state for state in json.loads(done.stdout)["states"]}
    assert states["schema"]["origin"] == {
        "kind": "file",
        "module": "__groundup_states__",
        "place": f"{client.repo}/groundup_states.py",
    }
    assert states["schema"]["unused"] == ["generated_3"]
    assert states["ready"]["origin"] == {
        "kind": "entry point",
        "module": "acme_states",
        "place": "acme of acme-states",
    }
    assert states["ready"]["replaces"]["origin"]["kind"] == "built-in"
    assert states["generated_7"]["origin"]["place"].startswith(f"{client.repo}/groundup.toml:")
    assert Path(states["generated_7"]["file"]) == client.repo / "tools/many.py"


# ── these states in the other commands ───────────────────────────────────────────────────────────────


def test_they_are_reached_with_parameters_of_the_configuration_and_of_the_command(client: Neo) -> None:
    done = client.run(client.module("reach", "schema"), check=True)
    assert "acme_done" in done.stderr
    assert "generated_3" not in done.stderr
    assert (client.repo / "built/schema").read_text() == "eu"
    client.run(client.module("reach", "schema", "--set", "schema.region=us"), check=True)
    assert (client.repo / "built/schema").read_text() == "us"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("reach", "shema"), "there is no state named shema", "did you mean schema?"),
        (
            ("reach", "ready", "--set", "schema.regoin=us"),
            "--set schema.regoin: schema ({repo}/groundup_states.py:13) has no parameter regoin",
            "did you mean region?",
        ),
        (
            ("reach", "schema", "--set", "schema.size=big"),
            "parameters of schema ({repo}/groundup_states.py:13): size: Input should be a valid integer, "
            "unable to parse string as an integer (--set schema.size)",
            "correct it",
        ),
        (
            ("reach", "ready", "--set", "x"),
            "--set x: not STATE.KEY=VALUE",
            "for example: --set deploy.region=eu",
        ),
    ],
)
def test_mistakes_are_told_before_anything_runs(
    client: Neo, words: tuple[str, ...], message: str, hint: str
) -> None:
    done = client.run(client.module(*words))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {message.format(repo=client.repo)}\nhint: {hint}\n"


def test_the_graph_of_two_hundred_states_draws_each_place_once(client: Neo) -> None:
    lines = client.run(
        client.module("graph", "generated_199", "generated_198"), check=True
    ).stdout.splitlines()
    assert lines[0] == "generated_199"
    assert len(lines) == 9 + 2
    assert lines[-1] == "└─ generated_99 …"
    whole = client.run(client.module("graph"), check=True).stdout.splitlines()
    assert len(whole) < 400
