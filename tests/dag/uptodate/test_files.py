"""Digests of files: contents count, stats only tell when to look again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag.uptodate.files import FOLDER, RACY_NS, Files, Row


class Folder:
    """Files under `root`, and the rows that are known of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known: dict[str, Row] = {}
        self.files = Files(root, self.known, root / "own")

    def write(self, name: str, text: str, *, settled: bool = False) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if settled:
            wait_until_settled(path)
        return path

    def names(self, *patterns: str) -> set[str]:
        return set(self.files.digests(patterns))


def wait_until_settled(path: Path) -> None:
    while time.time_ns() - path.stat().st_ctime_ns <= RACY_NS:
        time.sleep(0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_content_decides(folder: Folder) -> None:
    folder.write("a", "one")
    folder.write("b", "one")
    folder.write("c", "two")
    digests = [folder.files.digest(name) for name in "abc"]
    assert digests[0] == digests[1] != digests[2]
    assert folder.files.digest("absent") is None
    assert folder.files.digest("a/within a file") is None


def test_touching_a_file_changes_nothing(folder: Folder) -> None:
    path = folder.write("a", "one")
    before = folder.files.digest("a")
    os.utime(path, (1, 1))
    assert folder.files.digest("a") == before


def test_the_executable_bit_counts(folder: Folder) -> None:
    path = folder.write("a", "one", settled=True)
    before = folder.files.digest("a")
    path.chmod(0o755)
    after = folder.files.digest("a")
    assert after != before
    path.chmod(0o644)
    assert folder.files.digest("a") == before


def test_a_large_file(folder: Folder) -> None:
    path = folder.root / "large"
    path.write_bytes(b"x" * 3_000_001)
    before = folder.files.digest("large")
    path.write_bytes(b"x" * 3_000_000 + b"y")
    assert folder.files.digest("large") != before


def test_what_is_known_is_not_read_again(folder: Folder) -> None:
    path = folder.write("a", "one", settled=True)
    folder.files.digest("a")
    (row,) = folder.files.take_new()
    assert row[0] == "a"
    again = Files(folder.root, {"a": (*row[:5], "as remembered")}, folder.root / "own")
    assert again.digest("a") == "as remembered"
    os.utime(path)
    assert again.digest("a") == row[5]


def test_a_file_that_was_just_written_is_read_again_every_time(folder: Folder) -> None:
    folder.write("a", "one")
    folder.files.digest("a")
    assert folder.known == {}
    assert folder.files.take_new() == []


def test_a_change_that_leaves_size_and_times_is_seen(folder: Folder) -> None:
    path = folder.write("a", "one")
    stat = path.stat()
    before = folder.files.digest("a")
    path.write_text("two")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert folder.files.digest("a") != before


def test_an_old_time_put_back_is_seen_by_the_time_of_the_change(folder: Folder) -> None:
    path = folder.write("a", "one", settled=True)
    stat = path.stat()
    before = folder.files.digest("a")
    assert "a" in folder.known
    path.write_text("two")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_mtime_ns == stat.st_mtime_ns
    assert folder.files.digest("a") != before


def test_a_time_in_the_future_is_never_relied_on(folder: Folder) -> None:
    path = folder.write("a", "one")
    later = time.time_ns() + 3600 * 10**9
    os.utime(path, ns=(later, later))
    assert folder.files.digest("a") is not None
    assert folder.known == {}


def test_a_link_counts_as_what_it_leads_to(folder: Folder) -> None:
    path = folder.write("target", "one")
    link = folder.root / "link"
    link.symlink_to("target")
    assert folder.files.digest("link") == folder.files.digest("target")
    path.write_text("two")
    assert folder.files.digest("link") == folder.files.digest("target")


def test_a_link_that_leads_nowhere_counts_by_its_text(folder: Folder) -> None:
    link = folder.root / "link"
    digests = []
    for text in ("nowhere", "elsewhere", "link"):
        link.unlink(missing_ok=True)
        link.symlink_to(text)
        digests.append(folder.files.digest("link"))
    assert digests == ["link to nowhere", "link to elsewhere", "link to link"]


def test_pipes_and_devices_are_not_opened(folder: Folder) -> None:
    os.mkfifo(folder.root / "pipe")
    assert str(folder.files.digest("pipe")).startswith("special file")
    assert str(folder.files.digest("/dev/zero")).startswith("special file")


def test_a_file_that_cannot_be_read_is_an_error(folder: Folder) -> None:
    with pytest.raises(OSError, match="File name too long") as error:
        folder.files.digest("x" * 300)
    assert "xxx" in str(error.value.filename)
    with pytest.raises(OSError, match="Input/output") as error:
        folder.files.digest("/proc/self/mem")
    assert error.value.filename == "/proc/self/mem"


def test_a_path_names_a_file_or_nothing(folder: Folder) -> None:
    folder.write("a b/ü.txt", "one")
    assert folder.names("a b/ü.txt", "absent") == {"a b/ü.txt"}
    folder.write("absent", "")
    assert folder.names("a b/ü.txt", "absent") == {"a b/ü.txt", "absent"}


def test_an_absolute_path(folder: Folder) -> None:
    path = folder.write("a/b.txt", "one")
    assert folder.names(str(path)) == {str(path)}
    assert folder.names(f"{folder.root}/a/*.txt") == {str(path)}
    assert folder.names(f"{folder.root}/a") == {f"{folder.root}/a/", str(path)}


def test_a_folder_names_all_files_in_it(folder: Folder) -> None:
    for name in ("src/a", "src/.hidden", "src/deep/er/b", "other"):
        folder.write(name, "")
    (folder.root / "src/empty").mkdir()
    files = {"src/", "src/a", "src/.hidden", "src/deep/er/b"}
    assert folder.names("src") == folder.names("src/") == files
    assert folder.names(".") == {"./", "other", *files - {"src/"}}


def test_an_empty_folder_is_not_an_absent_one(folder: Folder) -> None:
    assert folder.names("src") == set()
    (folder.root / "src").mkdir()
    assert folder.files.digests(["src"]) == {"src/": FOLDER}


def test_folders_of_other_tools_are_passed_over_unless_they_are_named(folder: Folder) -> None:
    for name in (".git/config", "a/__pycache__/x.pyc", ".groundup/log", "own/records.db", "a/b"):
        folder.write(name, "")
    assert folder.names(".") == {"./", "a/b"}
    assert folder.names("**/*") == {"a/b"}
    assert folder.names(".git/*", "a/__pycache__", ".git/config") == {
        ".git/config",
        "a/__pycache__/",
        "a/__pycache__/x.pyc",
    }


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", {"a.py", "b.txt"}),
        ("*.py", {"a.py"}),
        ("?.py", {"a.py"}),
        ("[ab].*", {"a.py", "b.txt"}),
        ("[!a].*", {"b.txt"}),
        ("*/*.py", {"src/c.py", "src/.d.py"}),
        ("src/*", {"src/c.py", "src/.d.py"}),
        ("src/**", {"src/c.py", "src/.d.py", "src/sub/e.py", "src/sub/sub/f.txt"}),
        ("src/**/*.py", {"src/c.py", "src/.d.py", "src/sub/e.py"}),
        ("**/*.py", {"a.py", "src/c.py", "src/.d.py", "src/sub/e.py"}),
        ("**/sub/*", {"src/sub/e.py", "src/sub/sub/f.txt"}),
        ("**/sub/**", {"src/sub/e.py", "src/sub/sub/f.txt"}),
        ("*/sub/e.py", {"src/sub/e.py"}),
        ("**/e.py", {"src/sub/e.py"}),
        ("./*.py", {"./a.py"}),
        ("src/../*.py", {"src/../a.py"}),
        ("*.PY", set()),
        ("none/*", set()),
        ("a.py/*", set()),
        ("s*/", set()),
    ],
)
def test_globs_name_files(folder: Folder, pattern: str, expected: set[str]) -> None:
    for name in ("a.py", "b.txt", "src/c.py", "src/.d.py", "src/sub/e.py", "src/sub/sub/f.txt"):
        folder.write(name, name)
    assert folder.names(pattern) == expected


def test_links_to_folders_are_followed_but_not_in_circles(folder: Folder) -> None:
    folder.write("real/a", "")
    (folder.root / "src").mkdir()
    (folder.root / "src/linked").symlink_to("../real")
    (folder.root / "real/up").symlink_to("..")
    (folder.root / "src/self").symlink_to("self")
    (folder.root / "src/broken").symlink_to("nowhere")
    folder.write("top", "")
    assert folder.names("src") == {"src/", "src/linked/a", "src/self", "src/broken", "src/linked/up/top"}


def test_names_that_are_no_text(folder: Folder) -> None:
    name = os.fsdecode(b"\xff.txt")
    folder.write(name, "one")
    assert folder.names("*.txt") == {name}


PARTS = st.sampled_from(["a", "b", "ab", "c.py"])
TREES = st.dictionaries(
    st.lists(PARTS, min_size=1, max_size=3).map("/".join), st.sampled_from("xy"), max_size=8
)
PATTERNS = st.lists(
    PARTS | st.sampled_from(["*", "**", "?", "a*", "*.py", "[ab]"]), min_size=1, max_size=3
).map("/".join)


def free_of_clashes(tree: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Leave out files that stand where others need a folder."""
    for name, text in tree.items():
        if not any(other.startswith(f"{name}/") for other in tree):
            yield name, text


@given(tree=TREES, pattern=PATTERNS)
def test_globs_name_what_pathlib_names(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, str], pattern: str
) -> None:
    root = tmp_path_factory.mktemp("tree")
    folder = Folder(root)
    for name, text in free_of_clashes(tree):
        folder.write(name, text)
    if "*" not in pattern and "?" not in pattern and "[" not in pattern:
        return
    whole = f"{pattern}/*" if pattern.endswith("**") else pattern
    expected = {path.relative_to(root).as_posix() for path in root.glob(whole) if path.is_file()}
    assert folder.names(pattern) == expected


@given(tree=TREES, change=st.sampled_from(["none", "touch", "content", "add", "remove"]), data=st.data())
def test_digests_change_when_something_changed_and_only_then(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, str], change: str, data: st.DataObject
) -> None:
    folder = Folder(tmp_path_factory.mktemp("tree"))
    names = [name for name, _ in free_of_clashes(tree)]
    for name, text in free_of_clashes(tree):
        folder.write(f"src/{name}", text)
    before = folder.files.digests(["src"])
    name = data.draw(st.sampled_from(names)) if names else ""
    if change == "add" or not name:
        folder.write("src/added", "")
    elif change == "remove":
        (folder.root / "src" / name).unlink()
    elif change == "content":
        folder.write(f"src/{name}", "z")
    elif change == "touch":
        os.utime(folder.root / "src" / name, (5, 5))
    is_changed = change not in ("none", "touch") or not name
    assert (folder.files.digests(["src"]) != before) == is_changed
