"""Which manager installs hooks, and which hooks its configuration wants."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.states.hooks.managers import CONFIG, find_manager, hook_types
from groundup.states.hooks.plain import NAMES

TYPES = st.lists(
    st.sampled_from([name for name in NAMES if not name.startswith("p4")]), unique=True, min_size=1
)
QUOTES = st.sampled_from(["", "'", '"'])
FORMS = {
    "one line": "default_install_hook_types: [{0}]",
    "one line, spaced": "default_install_hook_types:  [ {0} ]  # why",
    "below": "default_install_hook_types:\n  [{0},]",
    "lines": "default_install_hook_types:\n{1}",
    "comments": "default_install_hook_types: # why\n\n{1}  # pre-auto-gc\n",
}


@given(TYPES, QUOTES, st.sampled_from(list(FORMS)), st.sampled_from(["", "  "]))
def test_the_types_are_read_in_every_usual_form(types: list[str], quote: str, form: str, indent: str) -> None:
    quoted = [f"{quote}{name}{quote}" for name in types]
    text = FORMS[form].format(", ".join(quoted), "\n".join(f"{indent}- {name}" for name in quoted))
    for whole in (text, f"# hooks\n{text}\nrepos:\n- repo: local\n", f"repos: []\n{text}"):
        assert hook_types(whole) == tuple(types)


@pytest.mark.parametrize(
    "text", ["", "repos: []\n", "# default_install_hook_types: [pre-push]\n", "default_install_hook_types:\n"]
)
def test_without_them_it_is_the_managers_default(text: str) -> None:
    assert hook_types(text) == ("pre-commit",)


@pytest.mark.parametrize(
    ("venv", "wanted", "found"),
    [
        ("prek", None, "prek"),
        ("pre-commit", None, "pre-commit"),
        ("both", None, "prek"),
        ("both", "pre-commit", "pre-commit"),
    ],
)
def test_the_environments_programs_are_found_prek_first(
    venvs: Mapping[str, Path], repo: Path, venv: str, wanted: str | None, found: str
) -> None:
    (repo / CONFIG).write_text("repos: []\n")
    manager = find_manager(repo, venvs[venv], wanted)
    assert manager is not None
    assert (manager.name, Path(manager.program)) == (found, venvs[venv] / "bin" / found)


def test_programs_on_path_are_found_too(
    venvs: Mapping[str, Path], repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / CONFIG).write_text("repos: []\n")
    monkeypatch.setenv("PATH", f"{venvs['prek']}/bin:/usr/bin:/bin")
    manager = find_manager(repo, venvs["pre-commit"], None)
    assert manager is not None
    assert manager.name == "prek"


@pytest.mark.parametrize(("configured", "wanted"), [(False, None), (False, "copy"), (True, "copy")])
def test_there_may_be_none(repo: Path, configured: bool, wanted: str | None) -> None:
    if configured:
        (repo / CONFIG).write_text("repos: []\n")
    assert find_manager(repo, repo / ".venv", wanted) is None


@pytest.mark.parametrize(
    ("wanted", "named"), [(None, "no prek or pre-commit"), ("pre-commit", "no pre-commit")]
)
def test_a_configuration_without_a_manager_is_an_error(repo: Path, wanted: str | None, named: str) -> None:
    (repo / CONFIG).write_text("repos: []\n")
    with pytest.raises(UserError, match=f"{CONFIG} is there, but {named} is in the environment") as caught:
        find_manager(repo, repo / ".venv", wanted)
    assert f"add {wanted or 'prek'} to" in caught.value.hint


def test_a_manager_without_a_configuration_is_an_error(repo: Path) -> None:
    with pytest.raises(UserError, match=f"manager is prek, but there is no {repo / CONFIG}"):
        find_manager(repo, repo / ".venv", "prek")
