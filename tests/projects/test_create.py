"""From a script to a project that is locked, installed and stays where it is."""

import re
import subprocess
import threading
from pathlib import Path

import pytest

from groundup.errors import GroundupError, UserError
from groundup.projects import (
    Project,
    ProvisioningError,
    create_project,
    get_project,
    list_projects,
    remove_project,
)
from tests.support.process import interpreters
from tests.support.trees import facts
from tests.support.users import User, requiring


def run(project: Project, *args: str) -> str:
    """Run the project's script by its own interpreter, in isolated mode."""
    return subprocess.run(
        [project.python, "-I", project.script, *args], capture_output=True, text=True, check=True
    ).stdout


def test_a_script_becomes_a_project(user: User) -> None:
    project = create_project(user.script(requiring("beta") + "import beta\nbeta.main()\n"))
    assert project == Project("hello", user.data / "projects/hello")
    assert {path.name for path in project.path.iterdir()} == {
        *(".venv", "main.py", "pyproject.toml", "requirements.txt", "uv.lock"),
    }
    assert project.requirements == ("beta",)
    assert run(project) == "beta with alpha 1.1\n"


def test_requirements_are_pinned_with_hashes(user: User) -> None:
    project = create_project(user.script(""), requirements=["alpha<1.1"])
    text = (project.path / "requirements.txt").read_text()
    assert re.fullmatch(r"alpha==1\.0 \\\n    --hash=sha256:[0-9a-f]{64}\n", text)


@pytest.mark.parametrize("how", ["block", "parameter", "both"])
def test_several_requirements(user: User, how: str) -> None:
    block = {"block": ["alpha", "gamma"], "parameter": [], "both": ["alpha"]}[how]
    more = {"block": None, "parameter": ["alpha", "gamma"], "both": ["gamma"]}[how]
    script = user.script(requiring(*block) + "import alpha, gamma\nprint(alpha.VERSION, gamma.VERSION)\n")
    assert run(create_project(script, requirements=more)) == "1.1 1.0\n"


def test_the_block_is_not_overridden_by_what_the_caller_adds(user: User) -> None:
    script = user.script(requiring("alpha<1.1") + "import alpha\nprint(alpha.VERSION)\n")
    assert run(create_project(script, requirements=["alpha"])) == "1.0\n"
    with pytest.raises(ProvisioningError) as failed:
        create_project(script, requirements=["alpha>1.0"], force=True)
    assert failed.value.phase == "resolve"


def test_a_project_without_requirements_has_an_environment_too(user: User) -> None:
    project = create_project(user.script("import sys; print(sys.prefix)"))
    assert run(project) == f"{project.path / '.venv'}\n"
    assert (project.path / "requirements.txt").read_text() == ""


def test_console_scripts_work_where_the_project_was_renamed_to(user: User) -> None:
    project = create_project(user.script(""), requirements=["beta"])
    command = project.path / ".venv/bin/beta"
    assert (
        subprocess.run([command], capture_output=True, text=True, check=True).stdout
        == "beta with alpha 1.1\n"
    )


def test_an_uv_without_the_preview_makes_environments_that_can_be_moved_too(
    user: User, uv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = user.home / "bin/uv"
    own.parent.mkdir()
    own.write_text(f'#!/bin/sh\nunset UV_PREVIEW_FEATURES\nexec {uv} "$@"\n')
    own.chmod(0o755)
    monkeypatch.setenv("PATH", f"{own.parent}:{user.env['PATH']}")
    project = create_project(user.script(""), requirements=["beta"])
    done = subprocess.run([project.path / ".venv/bin/beta"], capture_output=True, text=True, check=True)
    assert done.stdout == "beta with alpha 1.1\n"


def test_a_script_named_like_what_it_requires(user: User) -> None:
    assert create_project(user.script(requiring("alpha"), "alpha.py")).id == "alpha"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"print('\xc3\xa4')\r\n",
        b"\xef\xbb\xbfprint(1)\n",
        b"# coding: latin-1\nx = '\xe4'\n",
        b"x = '\\d'\n",
    ],
)
def test_what_python_accepts_is_kept_byte_for_byte(user: User, content: bytes) -> None:
    assert create_project(content, id="x").script.read_bytes() == content


def test_the_same_script_gives_the_same_lock(user: User) -> None:
    one = create_project(requiring("beta", "gamma").encode(), id="one")
    two = create_project(requiring("gamma", "beta").encode(), id="two")
    for name in ("uv.lock", "requirements.txt"):
        assert (one.path / name).read_bytes() == (two.path / name).read_bytes()


def test_another_python_than_groundups_own(user: User) -> None:
    if "3.12" not in interpreters():
        pytest.skip("no CPython 3.12 here")
    script = requiring("alpha", python="==3.12.*") + "import sys, alpha\nprint(sys.version_info[:2])\n"
    assert run(create_project(user.script(script))) == "(3, 12)\n"


def test_a_python_that_nobody_has(user: User) -> None:
    with pytest.raises(ProvisioningError, match=r"3\.99") as failed:
        create_project(user.script(requiring(python=">=3.99")))
    assert failed.value.phase == "resolve"


@pytest.mark.parametrize(
    ("requirement", "words"),
    [("nonexistent", "nonexistent was not found"), ("alpha>=99", r"only alpha<=?1\.1 is available")],
)
def test_what_cannot_be_resolved_fails_and_leaves_nothing(user: User, requirement: str, words: str) -> None:
    with pytest.raises(ProvisioningError, match=rf"project 'hello'(.|\n)*{words}") as failed:
        create_project(user.script(requiring(requirement)))
    assert failed.value.phase == "resolve"
    assert list_projects() == []
    assert not list((user.data / "projects/.building").glob("*"))


def test_what_cannot_be_installed_fails_in_that_phase(user: User) -> None:
    with pytest.raises(
        ProvisioningError, match=r"(?s)cannot install what project 'hello'.*elsewhere"
    ) as failed:
        create_project(user.script(requiring("elsewhere")))
    assert failed.value.phase == "install"
    assert list_projects() == []


@pytest.mark.parametrize("project_id", ["../escaped", "/escaped", "a/../../b", "..", ""])
def test_no_id_leads_out_of_the_store(user: User, project_id: str) -> None:
    outside = user.data / "escaped"
    outside.mkdir(parents=True)
    (outside / "precious").write_text("kept")
    for attempt in (
        lambda: create_project(b"", id=project_id, force=True),
        lambda: get_project(project_id),
        lambda: remove_project(project_id),
    ):
        with pytest.raises(UserError, match="is not the id of a project"):
            attempt()
    assert (outside / "precious").read_text() == "kept"
    assert not (user.data / "projects").exists()


def test_bytes_need_an_id(user: User) -> None:
    with pytest.raises(UserError, match="has no name"):
        create_project(b"print(1)")


def test_a_taken_id_is_an_error_without_force(user: User) -> None:
    create_project(user.script("print('old')"))
    with pytest.raises(UserError, match="already"):
        create_project(user.script("print('new')"))
    assert run(get_project("hello")) == "old\n"
    assert run(create_project(user.script("print('new')"), force=True)) == "new\n"


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("print('new'", r"hello\.py:1: '\(' was never closed"),
        ("x = 1\nx = \0\n", "null byte"),
        ("(" * 10_000, "parenthes"),
        (requiring("nonexistent"), "nonexistent"),
        (requiring("not a requirement"), r"hello\.py:2"),
        ("# /// script\n# a = \n# ///\n", r"hello\.py:2"),
        (b"x = '\xff'\n", "cannot be decoded"),
        ("-" * 200_000 + "1", r"hello\.py:1: \w"),
    ],
)
def test_force_leaves_the_old_project_untouched_when_the_new_script_is_bad(
    user: User, script: str | bytes, error: str
) -> None:
    project = create_project(user.script(requiring("alpha") + "print('old')\n"))
    before = facts(project.path)
    with pytest.raises((UserError, ProvisioningError), match=error):
        create_project(user.script(script), force=True)
    assert facts(project.path) == before
    assert run(project) == "old\n"


def test_two_creators_at_once(user: User) -> None:
    outcomes: list[Project | UserError] = []

    def create() -> None:
        try:
            outcomes.append(create_project(b"print('one')", id="same", requirements=["alpha"]))
        except UserError as error:
            outcomes.append(error)

    creators = [threading.Thread(target=create) for _ in range(4)]
    for creator in creators:
        creator.start()
    for creator in creators:
        creator.join()
    assert sum(isinstance(outcome, Project) for outcome in outcomes) == 1
    assert all("already" in str(outcome) for outcome in outcomes if isinstance(outcome, UserError))
    assert run(get_project("same")) == "one\n"


def test_projects_are_listed_and_removed(user: User) -> None:
    for name in ("b", "a", "a.b"):
        create_project(b"", id=name)
    assert [project.id for project in list_projects()] == ["a", "a.b", "b"]
    remove_project("a")
    assert [project.id for project in list_projects()] == ["a.b", "b"]
    assert not (user.data / "projects/a").exists()


def test_what_is_no_project_is_not_listed(user: User) -> None:
    create_project(b"", id="a")
    (user.data / "projects/Other Things").mkdir()
    (user.data / "projects/b").write_text("a file")
    assert [project.id for project in list_projects()] == ["a"]


@pytest.mark.parametrize("content", [None, "no toml", "a = 1"])
def test_a_damaged_project_says_so(user: User, content: str | None) -> None:
    project = create_project(b"", id="a")
    file = project.path / "pyproject.toml"
    file.unlink() if content is None else file.write_text(content)
    (project.path / ".venv/pyvenv.cfg").unlink()
    for ask in (lambda: project.requirements, lambda: project.python_version):
        with pytest.raises(GroundupError, match="project 'a' is damaged"):
            ask()


@pytest.mark.parametrize("ask", [get_project, remove_project])
def test_an_unknown_id_suggests_a_near_one(user: User, ask: object) -> None:
    create_project(b"", id="report")
    with pytest.raises(UserError, match="there is no project 'reprot'") as refused:
        ask("reprot")  # type: ignore[operator]
    assert refused.value.hint == "did you mean 'report'?"


def test_a_workspace_above_is_not_looked_at(user: User) -> None:
    user.data.mkdir()
    (user.data / "pyproject.toml").write_text(
        '[project]\nname = "above"\nversion = "0"\ndependencies = ["nonexistent"]\n'
        '[tool.uv.workspace]\nmembers = ["projects/**", "projects/.building/*/*"]\n'
    )
    (user.data / ".python-version").write_text("3.99\n")
    assert run(create_project(user.script(requiring("alpha") + "print(1)"))) == "1\n"
    assert not (user.data / "uv.lock").exists()


def test_settings_for_uv_in_the_block_count(user: User) -> None:
    block = (
        "# /// script\n# dependencies = ['alpha']\n# tool.uv.constraint-dependencies = ['alpha<1.1']\n# ///\n"
    )
    assert run(create_project(user.script(block + "import alpha\nprint(alpha.VERSION)\n"))) == "1.0\n"


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("nonsense = 4", "unknown field `nonsense`$"),
        ("resolution = 'bogus'", "unknown variant `bogus`$"),
        ("index-url = 5", "expected a string"),
    ],
)
def test_settings_that_uv_would_ignore_with_all_others_are_refused(
    user: User, setting: str, reason: str
) -> None:
    block = f"# /// script\n# dependencies = ['nonexistent']\n# tool.uv.{setting}\n# ///\n"
    with pytest.raises(UserError, match=rf"project 'hello'.*\[tool\.uv\]: .*{reason}"):
        create_project(user.script(block))


def test_with_settings_uv_fails_in_the_same_words(user: User) -> None:
    block = "# /// script\n# dependencies = ['nonexistent']\n# tool.uv.resolution = 'lowest'\n# ///\n"
    with pytest.raises(ProvisioningError) as failed:
        create_project(user.script(block))
    assert "\n" not in str(failed.value).partition("cause: ")[0].strip()
    assert "Using" not in str(failed.value)
    assert "nonexistent" in str(failed.value)


def test_a_folder_that_cannot_be_written_is_named(user: User) -> None:
    user.data.write_text("a file where the folder should be")
    with pytest.raises(GroundupError, match=r"projects cannot be written: Not a directory") as failed:
        create_project(b"", id="x")
    assert "GROUNDUP_HOME" in failed.value.hint


def test_a_local_source_is_found_beside_the_script(user: User) -> None:
    library = user.home / "library"
    library.mkdir()
    (library / "pyproject.toml").write_text(
        '[project]\nname = "library"\nversion = "0"\n[tool.uv]\npackage = false\n'
    )
    block = "# /// script\n# dependencies = ['library']\n# tool.uv.sources.library.path = 'library'\n# ///\n"
    project = create_project(user.script(block))
    assert str(Path(library)) in (project.path / "pyproject.toml").read_text()
