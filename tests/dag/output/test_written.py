"""The last lines of an output, as a person is to see them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag.output import Capture, Children, Output, Running
from groundup.dag.output.files import OwnFile, blocks, write_all


@contextmanager
def running(folder: Path) -> Iterator[Output]:
    """Let the block be a state."""
    with Capture(folder) as capture, Running(Children(), capture.of("state")) as state:
        assert state.output is not None
        yield state.output


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\ntwo\n", "two"),
        ("one\ntwo", "two"),
        ("one\n\n  \n\x1b[0m\n", "one"),
        ("10 %\r20 %\r30 %", "30 %"),
        ("10 %\r20 %\r", "20 %"),
        ("done\r\n", "done"),
        ("\x1b[32mgreen\x1b[0m\tand  more \n", "green and  more"),
        ("\n\n", ""),
        ("x" * 100_000, "x" * 100_000),
        ("first\n" + " " * 10_000 + "\n" * 10_000, "first"),
    ],
)
def test_the_last_line_is_the_last_that_shows_something(tmp_path: Path, text: str, line: str) -> None:
    with running(tmp_path) as output:
        sys.stdout.write(text)
        assert output.last_line() == line


def test_the_last_lines_are_shown(tmp_path: Path) -> None:
    with running(tmp_path) as output:
        assert output.tail() == ""
        for number in range(10_000):
            print(f"line {number}")
        assert output.tail(1) == "line 9999"
        assert output.tail(3) == "line 9997\nline 9998\nline 9999"
        assert output.tail(5000).split("\n") == [f"line {number}" for number in range(5000, 10_000)]
        assert output.tail(20_000).split("\n") == [f"line {number}" for number in range(10_000)]


def test_of_a_line_that_was_written_over_the_last_state_is_shown(tmp_path: Path) -> None:
    with running(tmp_path) as output:
        sys.stdout.write("start\r\n10 %\r20 %\x1b[K\r\n\x1b[1mend\x1b[0m\n\n")
        assert output.tail() == "start\n20 %\nend"


def test_of_endless_output_as_much_as_can_be_read_is_shown(tmp_path: Path) -> None:
    with running(tmp_path) as output:
        for _ in range(30):
            sys.stdout.write("word " * 20_000)
        shown = output.tail()
        assert 1_000_000 < len(shown) <= 2**20
        assert shown.startswith(" word")


def test_a_word_that_was_cut_is_not_shown(tmp_path: Path) -> None:
    with running(tmp_path) as output:
        print("https://me:hunter2" + "x" * 2**20 + "@example.org/ the rest")
        assert output.last_line() == "the rest"


@given(st.lists(st.binary(max_size=2000), max_size=20))
def test_a_file_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]
) -> None:
    file = OwnFile(tmp_path_factory.getbasetemp())
    for part in parts:
        write_all(file.descriptor, part)
    assert file.size() == len(b"".join(parts))
    assert b"".join(blocks(file.descriptor, 0, file.size())) == b"".join(parts)
    assert b"".join(blocks(file.descriptor, 3, 2**30)) == b"".join(parts)[3:]
    file.close()


def test_a_file_is_read_where_positions_cannot_be_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("os.pread")
    file = OwnFile(tmp_path)
    write_all(file.descriptor, b"one two")
    assert b"".join(blocks(file.descriptor, 4, 7)) == b"two"
    write_all(file.descriptor, b" three")
    assert b"".join(blocks(file.descriptor, 0, 99)) == b"one two three"
    file.close()


def test_a_file_has_no_name_and_is_closed_when_nothing_uses_it(tmp_path: Path) -> None:
    file = OwnFile(tmp_path)
    assert list(tmp_path.iterdir()) == []
    descriptor = Path(f"/proc/self/fd/{file.descriptor}")
    assert descriptor.exists()
    del file
    assert not descriptor.exists()
