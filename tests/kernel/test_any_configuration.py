"""Whatever a configuration says, it is used, or refused with file and line: it is no fault of the kernel."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup import proto_kernel
from tests.support.process import interpreters, run_kernel
from tests.support.repositories import bare_repository, write, write_project

NAMES = [*proto_kernel.SCHEMA, *proto_kernel.UV_SCHEMA, *proto_kernel.PROJECT_SCHEMA, "boot", "x", "a b", ""]
TEXTS = st.one_of(
    st.sampled_from(
        ["", ".", "..", "/", "one", "../one", "3.11", "a b", "é", "~", "$HOME", "-x", "\t", "\0"]
    ),
    st.text(max_size=4),
)
SCALARS = st.one_of(TEXTS, st.integers(-9, 9), st.booleans(), st.floats(allow_nan=False), st.dates())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(NAMES), inner, max_size=2)
    ),
    max_leaves=6,
)
PLAUSIBLE = {
    "text": TEXTS,
    "a table": st.dictionaries(
        st.sampled_from(NAMES), st.one_of(TEXTS, st.lists(TEXTS, max_size=2)), max_size=2
    ),
    "a list of text": st.lists(TEXTS, max_size=2),
    "a list of tables": st.lists(
        st.fixed_dictionaries(
            {"path": TEXTS},
            optional={"editable": st.booleans(), "extras": st.lists(TEXTS), "groups": st.lists(TEXTS)},
        ),
        max_size=2,
    ),
}
WELL_TYPED = st.fixed_dictionaries(
    {}, optional={key: PLAUSIBLE[kind] for key, kind in proto_kernel.SCHEMA.items()}
)
WILD = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a project `one`, beside which another `one` stands."""
    folder = tmp_path_factory.mktemp("any")
    write_project(folder / "one", "other")
    repo = bare_repository(folder / "repo")
    write_project(repo / "one", "one", extras={"x": []})
    return repo


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(WELL_TYPED, WILD))
def test_it_is_used_or_refused(repo: Path, table: dict[str, Any]) -> None:
    file = write(repo, "groundup.toml", "")
    file.write_text(tomli_w.dumps(table), encoding="utf-8")
    try:
        found = proto_kernel.Configuration(str(repo / "proto_kernel.py"), proto_kernel.parse_input([], {}))
    except proto_kernel.KernelError as error:
        assert error.code == 2
        assert error.hint
        assert re.match(re.escape(str(file)) + r":\d+: ", str(error)), str(error)
    else:
        assert Path(found.venv).is_absolute()
        assert found.as_dict()["root"] == found.root


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from(["project", "tool", "dependency-groups", "build-system", "name"]), VALUES)
)
def test_any_declaration_of_a_project_is_used_or_refused(repo: Path, table: dict[str, Any]) -> None:
    write(repo, "groundup.toml", 'projects = [{ path = "two" }]\n')
    file = write(repo, "two/pyproject.toml", "")
    file.write_text(tomli_w.dumps(table), encoding="utf-8")
    try:
        proto_kernel.Configuration(str(repo / "proto_kernel.py"), proto_kernel.parse_input([], {}))
    except proto_kernel.KernelError as error:
        assert error.code == 2 and error.hint
        assert str(file) in str(error) or str(repo / "groundup.toml") in str(error)


@given(
    st.lists(
        st.one_of(st.text(max_size=6), st.sampled_from(["--env", "--config", "-v", "--", "boot", "--env="]))
    )
)
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    try:
        given_ = proto_kernel.parse_input(words, {})
    except proto_kernel.KernelError as error:
        assert error.code == 2 and error.hint
    else:
        rest = [given_.command, *given_.arguments] if given_.arguments else [given_.command]
        assert given_.command in ("boot", "help", "version") or words[-len(rest) :] == rest


@pytest.mark.parametrize("version", interpreters())
def test_every_interpreter_names_the_line(tmp_path: Path, version: str) -> None:
    repo = bare_repository(tmp_path / "repo")
    for text, line in (("a = 1\nb =\n", 2), ("projects = []\n\nvnev = 'x'\n", 3)):
        file = write(repo, "groundup.toml", text)
        done = run_kernel(repo, "config", python=interpreters()[version])
        assert done.returncode == 2
        assert f"error: {file}:{line}: " in done.stderr
