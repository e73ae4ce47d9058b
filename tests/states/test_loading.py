"""The graph of a repository: which states are in it, in which order, and what brought each."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from groundup.dag import CycleError, DuplicateStateError, Runner, TypeMismatchError, UnknownStateError
from groundup.dag.errors import ParamsError
from groundup.errors import UserError
from groundup.states import builtin_graph
from groundup.states.loading import LoadedGraph, load_graph, load_params
from groundup.states.origin import Kind
from tests.support.clients import client, read
from tests.support.repositories import write
from tests.support.wheels import build_wheel

pytestmark = pytest.mark.usefixtures("fresh_imports")

ONE = '''
    from groundup import state


    @state
    def {name}() -> str:
        """Comes from {place}."""
        return "{place}"
'''


def one(name: str, place: str) -> str:
    """Return a module with one state."""
    return ONE.format(name=name, place=place)


def again(name: str, place: str, instead: str = "") -> str:
    """Return a module with a state that replaces another and gives both."""
    return f"""
        from groundup import state


        @state(replaces="{instead or name}")
        def {name}(replaced: str) -> str:
            return f"{place}, before: {{replaced}}"
    """


def value(graph: LoadedGraph, name: str) -> object:
    with Runner(graph) as runner:
        return runner.reach(name).value(name)


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed distribution `acme-states` whose entry points name two modules."""
    entry_points = "[groundup.states]\nb = acme.second\na = acme.first\n"
    modules = {
        "acme/__init__.py": "",
        "acme/first.py": "from groundup import state\n\n@state\ndef acme_first() -> str: return 'acme'\n",
        "acme/second.py": "from groundup import state\n\n@state\ndef acme_second() -> str: return 'acme'\n",
        "acme_states-1.0.dist-info/entry_points.txt": entry_points,
    }
    site = tmp_path / "site-packages"
    zipfile.ZipFile(build_wheel(tmp_path / "wheels", "acme-states", modules=modules)).extractall(site)
    monkeypatch.syspath_prepend(site)
    return site


# ── what is in it ────────────────────────────────────────────────────────────────────────────────────


def test_a_repository_without_states_has_the_built_in_ones(tmp_path: Path) -> None:
    graph = load_graph(client(tmp_path))
    assert [state.name for state in graph] == [state.name for state in builtin_graph()]
    assert {graph.origin(state).kind for state in graph} == {Kind.BUILT_IN}
    assert str(graph.origin(graph["ready"])) == "built-in"
    assert str(tmp_path) not in sys.path


def test_all_ways_are_taken_in_order(tmp_path: Path, plug_in: Path) -> None:
    files = {
        "groundup_states.py": one("from_file", "file"),
        "tools/states.py": one("from_tools", "tools"),
        "more.py": one("from_more", "more"),
    }
    repo = tmp_path / "repo"
    graph = load_graph(client(repo, files, '[neo]\nstates = [\n  "more",\n  "tools.states",\n]\n'))
    builtin = {state.name for state in builtin_graph()}
    added = [state.name for state in graph if state.name not in builtin]
    assert added == ["acme_first", "acme_second", "from_more", "from_tools", "from_file"]
    assert [str(graph.origin(graph[name])) for name in added] == [
        "entry point a of acme-states",
        "entry point b of acme-states",
        f"{repo}/groundup.toml:4 (more)",
        f"{repo}/groundup.toml:5 (tools.states)",
        f"{repo}/groundup_states.py",
    ]


def test_the_environments_configuration_names_other_modules(tmp_path: Path) -> None:
    files = {"usual.py": one("usual", "usual"), "special.py": one("special", "special")}
    client(tmp_path, files, '[neo]\nstates = ["usual"]\n')
    write(tmp_path, "envs/prod/groundup.toml", '[neo]\nstates = ["special"]\n')
    graph = load_graph(read(tmp_path, "--env", "prod"))
    assert "special" in graph
    assert "usual" not in graph
    assert str(graph.origin(graph["special"])) == f"{tmp_path}/envs/prod/groundup.toml:2 (special)"


def test_a_state_that_several_modules_show_counts_once_for_the_first(tmp_path: Path) -> None:
    files = {
        "base.py": one("shared", "base"),
        "tools.py": "from base import shared\n",
        "groundup_states.py": """
            from groundup.states.environment import ready
            from tools import shared as same
        """,
    }
    graph = load_graph(client(tmp_path, files, '[neo]\nstates = ["tools", "base"]\n'))
    assert value(graph, "shared") == "base"
    assert graph.origin(graph["shared"]).module == "tools"
    assert graph.origin(graph["ready"]).kind is Kind.BUILT_IN


def test_the_file_in_root_counts_once_also_when_it_is_named(tmp_path: Path) -> None:
    files = {"groundup_states.py": one("own", "file")}
    graph = load_graph(client(tmp_path, files, '[neo]\nstates = ["groundup_states"]\n'))
    assert graph.origin(graph["own"]).kind is Kind.CONFIGURATION


def test_other_values_of_a_module_are_left_alone(tmp_path: Path) -> None:
    text = "number = 3\nclass A: ...\ndef helper(): ...\n" + one("own", "file").replace("\n    ", "\n")
    graph = load_graph(client(tmp_path, {"groundup_states.py": text}))
    assert len(graph) == len(builtin_graph()) + 1


# ── how modules are imported ─────────────────────────────────────────────────────────────────────────


def test_neighbours_can_be_imported_and_hide_nothing(tmp_path: Path) -> None:
    files = {
        "groundup_states.py": "import csv\nimport helper\nfrom groundup import state\n\n"
        "@state\ndef own() -> str: return helper.WORD + str(hasattr(csv, 'hidden'))\n",
        "helper.py": "WORD = 'helped '\n",
        "csv.py": "hidden = True\n",
    }
    before = sys.path[:]
    graph = load_graph(client(tmp_path, files))
    assert value(graph, "own") == "helped False"
    assert sys.path == [*before, str(tmp_path)]


def test_the_file_in_root_hides_no_module_of_its_name(tmp_path: Path) -> None:
    files = {"groundup_states.py": one("own", "file")}
    load_graph(client(tmp_path, files))
    assert "groundup_states" not in sys.modules


def test_two_repositories_in_one_process_have_their_own_file(tmp_path: Path) -> None:
    graphs = [
        load_graph(client(tmp_path / name, {"groundup_states.py": one("own", name)})) for name in ("a", "b")
    ]
    assert [value(graph, "own") for graph in graphs] == ["a", "b"]


def test_models_with_annotations_as_text_work_in_the_file_in_root(tmp_path: Path) -> None:
    text = """
        from __future__ import annotations

        from pydantic import BaseModel

        from groundup import Params, state


        class Inner(BaseModel):
            size: int = 1


        class Options(BaseModel):
            inner: Inner = Inner()


        @state
        def own(params: Params[Options]) -> int:
            return params.inner.size
    """
    config = client(tmp_path, {"groundup_states.py": text}, "[neo.params.own.inner]\nsize = 3\n")
    with Runner(load_graph(config), params=load_params(config)) as runner:
        assert runner.reach("own").value("own") == 3


# ── replacing ────────────────────────────────────────────────────────────────────────────────────────


def test_the_later_one_stands_in_front(tmp_path: Path, plug_in: Path) -> None:
    files = {
        "groundup_states.py": again("acme_first", "file"),
        "tools.py": again("acme_first", "tools"),
    }
    repo = tmp_path / "repo"
    graph = load_graph(client(repo, files, '[neo]\nstates = ["tools"]\n'))
    assert value(graph, "acme_first") == "file, before: tools, before: acme"
    kinds = {state.name: graph.origin(state).kind for state in graph if state.name.startswith("acme_first")}
    assert kinds == {
        "acme_first": Kind.FILE,
        "acme_first.replaced": Kind.CONFIGURATION,
        "acme_first.replaced.replaced": Kind.ENTRY_POINT,
    }
    replaced = graph["acme_first"].replaced
    assert replaced is not None
    assert graph.origin(replaced).kind is Kind.CONFIGURATION


def test_a_built_in_state_can_be_replaced_for_good(tmp_path: Path) -> None:
    text = '''
        from pathlib import Path
        from groundup import Config, state

        @state
        def own(config: Config) -> str:
            return "own"

        @state(replaces="ready")
        def whatever(own: str, config: Config) -> Path:
            """Own things are there, too."""
            return config.root
    '''
    graph = load_graph(client(tmp_path, {"groundup_states.py": text}))
    assert graph.parents("ready") == ("own", "config")
    assert "ready.replaced" not in graph
    assert graph.origin(graph["ready"]).kind is Kind.FILE


# ── what is wrong ────────────────────────────────────────────────────────────────────────────────────


def test_a_name_that_is_taken_is_an_error_with_both_places(tmp_path: Path) -> None:
    files = {"groundup_states.py": one("own", "file"), "tools.py": one("own", "tools")}
    config = client(tmp_path, files, '[neo]\nstates = ["tools"]\n')
    with pytest.raises(DuplicateStateError) as caught:
        load_graph(config)
    assert str(caught.value) == (
        f"two states are named own: {tmp_path}/tools.py:4 and {tmp_path}/groundup_states.py:4"
    )
    assert 'replaces="own"' in caught.value.hint


def test_a_built_in_name_is_taken_too(tmp_path: Path) -> None:
    config = client(tmp_path, {"groundup_states.py": one("ready", "file")})
    with pytest.raises(DuplicateStateError) as caught:
        load_graph(config)
    assert builtin_graph()["ready"].source in str(caught.value)
    assert f"{tmp_path}/groundup_states.py:4" in str(caught.value)


def test_the_table_of_the_configuration_is_checked_first(tmp_path: Path) -> None:
    config = client(tmp_path, {"groundup_states.py": "1 / 0\n"}, "[neo]\nstate = []\n")
    with pytest.raises(UserError, match=f"{tmp_path}/groundup.toml:3: unknown key 'neo.state'"):
        load_graph(config)


def test_what_is_not_there_cannot_be_replaced(tmp_path: Path) -> None:
    config = client(tmp_path, {"groundup_states.py": again("own", "file", instead="redy")})
    with pytest.raises(UnknownStateError, match=f"redy.*{tmp_path}/groundup_states.py:4.*replaces") as caught:
        load_graph(config)
    assert caught.value.hint == "did you mean ready?"


GRAPHS = {
    "a cycle": (
        "@state\ndef a(b): ...\n@state\ndef b(c): ...\n@state\ndef c(a): ...\n",
        CycleError,
        "a ({file}:2) → b ({file}:4) → c ({file}:6) → a",
    ),
    "an unknown parent": (
        "@state\ndef a(redy): ...\n",
        UnknownStateError,
        "there is no state named redy, which a ({file}:2) needs",
    ),
    "another type": (
        "@state\ndef a() -> str: ...\n@state\ndef b(a: int): ...\n",
        TypeMismatchError,
        "a ({file}:2) gives str, but b ({file}:4) takes a: int",
    ),
}


@pytest.mark.parametrize(("text", "kind", "message"), GRAPHS.values(), ids=GRAPHS)
def test_states_that_form_no_graph_are_told_with_their_places(
    tmp_path: Path, text: str, kind: type[Exception], message: str
) -> None:
    config = client(tmp_path, {"groundup_states.py": "from groundup import state\n" + text})
    with pytest.raises(kind) as caught:
        load_graph(config)
    assert message.format(file=f"{tmp_path}/groundup_states.py") in str(caught.value)


# ── parameters ───────────────────────────────────────────────────────────────────────────────────────

SIZED = """
    from groundup import Params, state
    from pydantic import BaseModel


    class Size(BaseModel):
        width: int
        unit: str = "cm"


    @state
    def sized(params: Params[Size]) -> str:
        return f"{params.width} {params.unit}"
"""


def test_settings_come_over_the_configuration(tmp_path: Path) -> None:
    config = client(tmp_path, {"groundup_states.py": SIZED}, '[neo.params.sized]\nwidth = 3\nunit = "m"\n')
    params = load_params(config, ["sized.width=4"])
    with Runner(load_graph(config), params=params) as runner:
        assert runner.reach("sized").value("sized") == "4 m"


@pytest.mark.parametrize(
    ("neo", "settings", "place"),
    [
        ('[neo.params.sized]\nwidth = "x"\n', [], "width: Input should be a valid integer, unable to parse"),
        ('[neo.params.sized]\nwidth = "x"\n', [], "({root}/groundup.toml:3)"),
        ("[neo.params.sized]\n\nwdth = 1\n", [], "{root}/groundup.toml:4: sized"),
        ("[neo.params.szed]\nwidth = 1\n", [], "{root}/groundup.toml:2: there is no state named szed"),
        ('[neo.params.sized]\nwidth = "x"\n', ["sized.width=y"], "(--set sized.width)"),
        ("", [], "width is missing"),
    ],
)
def test_what_is_wrong_with_parameters_is_told_with_its_place(
    tmp_path: Path, neo: str, settings: list[str], place: str
) -> None:
    config = client(tmp_path, {"groundup_states.py": SIZED}, neo)
    with (
        pytest.raises(ParamsError) as caught,
        Runner(load_graph(config), params=load_params(config, settings)) as runner,
    ):
        runner.reach("sized")
    assert place.format(root=tmp_path) in str(caught.value)
