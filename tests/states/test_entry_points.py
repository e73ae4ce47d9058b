"""Entry points of this environment: the same as the standard library finds, at a fraction of the cost."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.states.entry_points import EntryPoint, entry_points


def install(folder: Path, name: str, text: str | None, *, info: str = "", metadata: str = "METADATA") -> Path:
    """Put what an installer leaves of a distribution into `folder`."""
    path = folder / (info or f"{name.replace('-', '_')}-1.0.dist-info")
    path.mkdir(parents=True)
    (path / metadata).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    if text is not None:
        (path / "entry_points.txt").write_text(text)
    return path


def test_the_entry_points_of_the_group_are_found(tmp_path: Path) -> None:
    install(tmp_path, "zoo", "[groundup.states]\nb = zoo.b\na = zoo.a\n[console_scripts]\nzoo = zoo:main\n")
    install(tmp_path, "ant-hill", "[groundup.states]\n# a comment\n\nhill=ant_hill.states [extra]\n")
    install(tmp_path, "other", "[console_scripts]\nstates = groundup.states:x\n")
    install(tmp_path, "none", None)
    assert entry_points(path=[str(tmp_path)]) == [
        EntryPoint("ant-hill", "hill", "ant_hill.states"),
        EntryPoint("zoo", "a", "zoo.a"),
        EntryPoint("zoo", "b", "zoo.b"),
    ]


def test_of_two_distributions_of_one_name_the_first_counts(tmp_path: Path) -> None:
    install(tmp_path / "one", "zoo", None)
    install(tmp_path / "two", "Zoo", "[groundup.states]\na = zoo.a\n", info="Zoo-2.0.dist-info")
    paths = [str(tmp_path / "one"), str(tmp_path / "two")]
    assert entry_points(path=paths) == []
    assert [each.name for each in entry_points(path=reversed(paths))] == ["a"]


def test_an_installation_of_the_old_kind_counts(tmp_path: Path) -> None:
    install(tmp_path, "zoo", "[groundup.states]\na = zoo.a\n", info="zoo.egg-info", metadata="PKG-INFO")
    assert entry_points(path=[str(tmp_path)]) == [EntryPoint("zoo", "a", "zoo.a")]


def test_what_is_no_folder_or_has_no_metadata_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "archive.zip").write_bytes(b"")
    broken = install(tmp_path, "zoo", "[groundup.states]\na = zoo.a\n")
    (broken / "METADATA").unlink()
    paths = [str(tmp_path / "archive.zip"), str(tmp_path / "nowhere"), str(tmp_path)]
    assert entry_points(path=paths) == [EntryPoint("zoo-1.0.dist-info", "a", "zoo.a")]


@pytest.mark.parametrize("group", ["pytest11", "console_scripts"])
def test_of_this_environment_the_standard_library_finds_the_same(group: str) -> None:
    found = importlib.metadata.entry_points(group=group)
    expected = sorted((e.dist.name, e.name, e.value.partition("[")[0].strip()) for e in found if e.dist)
    assert [(e.distribution, e.name, e.value) for e in entry_points(group)] == expected


words = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True)
modules = st.from_regex(r"[a-z_]+(\.[a-z_]+){0,2}", fullmatch=True)


@given(
    st.dictionaries(
        st.sampled_from(["groundup.states", "groundup.statesx", "console_scripts", "x"]),
        st.dictionaries(words, modules, max_size=3),
    ),
    st.sampled_from(["=", " = ", "= "]),
)
def test_of_any_file_the_standard_library_reads_the_same(
    groups: Mapping[str, Mapping[str, str]], equals: str
) -> None:
    text = "".join(
        f"[{group}]\n" + "".join(f"{name}{equals}{value}\n" for name, value in lines.items()) + "\n"
        for group, lines in groups.items()
    )
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder), "zoo", text)
        distribution = importlib.metadata.Distribution.at(Path(folder, "zoo-1.0.dist-info"))
        expected = {
            (each.name, each.value) for each in distribution.entry_points.select(group="groundup.states")
        }
        assert {(each.name, each.value) for each in entry_points(path=[folder])} == expected


WITHOUT = "import sys; from groundup.states.entry_points import entry_points as e; e(); "


def test_importlib_metadata_is_not_imported() -> None:
    code = WITHOUT + "print('importlib.metadata' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
