"""What is shown to a run: nothing but what was asked for, and the links that lead there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from groundup.execution.sandbox import SandboxError
from groundup.execution.sandbox.view import SCRIPT, View, is_in
from tests.support.users import User


def view() -> View:
    """Return a view of the system alone."""
    return View(disk=None, network=False)


def shown(made: View, option: str) -> list[tuple[object, ...]]:
    """Return what stands after an option, wherever it is given."""
    words = made.words
    return [tuple(words[place + 1 : place + 3]) for place, word in enumerate(words) if word == option]


def binds(made: View) -> list[object]:
    """Return what is shown beyond the system, read-only or writable."""
    system = {target for _, target in shown(view(), "--ro-bind")}
    both = [*shown(made, "--ro-bind"), *shown(made, "--bind")]
    return [target for _, target in both if target not in system]


def links(made: View) -> list[tuple[object, ...]]:
    """Return the links that are made beyond those of the system."""
    return [each for each in shown(made, "--symlink") if each not in shown(view(), "--symlink")]


def test_the_system_is_all_of_it_at_first(user: User) -> None:
    assert binds(view()) == []
    assert all(
        is_in(str(target), ["/usr", "/lib", "/lib64", "/bin", "/sbin", "/lib32", "/libx32", "/etc"])
        for _, target in shown(view(), "--ro-bind")
    )
    assert shown(view(), "--bind") == []
    online = {target for _, target in shown(View(disk=None, network=True), "--file")}
    assert "/etc/resolv.conf" in online
    assert "/etc/shadow" not in online


def test_a_folder_is_shown_where_it_is_with_its_links(user: User, tmp_path: Path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to(tmp_path / "real" / ".." / "real")
    made = view()
    made.show(tmp_path / "first" / "deep", is_writable=True)
    real = str(tmp_path / "real" / "deep")
    assert shown(made, "--bind") == [(("path", real), real)]
    assert links(made) == [
        ("second", str(tmp_path / "first")),
        (f"{tmp_path}/real/../real", str(tmp_path / "second")),
    ]
    made.show(tmp_path / "first" / "deep")
    assert len(links(made)) == 2


def test_links_in_a_circle_end(user: User, tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    made = view()
    made.show(tmp_path / "one")
    assert len(links(made)) == 2


@pytest.mark.parametrize("place", ["/", "{home}", "{home}/..", "{data}", "{link}"])
def test_the_home_is_never_shown(place: str, user: User, tmp_path: Path) -> None:
    user.data.mkdir(exist_ok=True)
    (tmp_path / "link").symlink_to(user.home)
    path = place.format(home=user.home, data=user.data, link=tmp_path / "link")
    with pytest.raises(SandboxError, match="cannot be shown in a sandbox"):
        view().show(path)


def test_what_is_in_the_home_can_be_shown(user: User) -> None:
    made = view()
    made.show(user.home / "folder")
    assert binds(made) == [str(user.home / "folder")]


def test_a_python_is_shown_with_its_installation(user: User) -> None:
    made = view()
    made.show_python(sys.executable)
    prefix = os.path.realpath(sys.base_prefix)
    assert binds(made) == ([] if is_in(prefix, ["/usr"]) else [prefix])


def test_a_python_of_a_version_manager(user: User) -> None:
    """The environment names a folder that is a link, its program is a chain of links."""
    versions = user.home / "versions"
    (versions / "3.12.1" / "bin").mkdir(parents=True)
    (versions / "3.12.1" / "bin" / "python3.12").touch()
    (versions / "3.12").symlink_to("3.12.1")
    environment = user.home / "environment"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(versions / "3.12" / "bin" / "python3.12")
    (environment / "pyvenv.cfg").write_text(f"home = {versions}/3.12/bin\nversion_info = 3.12.1\n")
    made = view()
    made.show(environment)
    made.show_python(environment / "bin" / "python")
    assert binds(made) == [str(environment), str(versions / "3.12.1")]
    assert links(made) == [("3.12.1", str(versions / "3.12"))]


def test_a_python_right_in_the_home_is_refused(user: User) -> None:
    (user.home / "bin").mkdir()
    (user.home / "bin" / "python3").touch()
    with pytest.raises(SandboxError, match="cannot be shown") as raised:
        view().show_python(user.home / "bin" / "python3")
    assert "a Python that is installed in one" in raised.value.hint


@pytest.mark.parametrize("path", ["/dev/fd/63", "/proc/self/fd/0", "/dev/stdin"])
def test_a_script_in_a_room_of_the_sandbox_is_shown_elsewhere(path: str, user: User) -> None:
    made = view()
    assert made.show_script(b"pass", path) == SCRIPT
    assert shown(made, "--ro-bind-data") == [(("data", b"pass"), SCRIPT)]


def test_what_is_in_a_folder_is_told_by_whole_names() -> None:
    assert is_in("/a/b", ["/a"])
    assert is_in("/a", ["/a"])
    assert is_in("/a", ["/"])
    assert not is_in("/ab", ["/a"])
    assert not is_in("/", ["/a"])
