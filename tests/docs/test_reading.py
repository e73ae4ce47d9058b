"""How pages are read and compared with what happens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.docs.matching import WILDCARD, matches
from tests.docs.pages import Block, Command, blocks, commands, headings, links
from tests.docs.reader import World, follow
from tests.docs.shell import Shell

LINES = st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])), max_size=6)
PAGE = """
Text with [a link](other.md#part) and `[none](here)`.

<!-- file: a/b.toml -->
```toml
key = 1
```

```console
$ cat a/b.toml
key = 1
$ false
$ echo $?
1
```
"""


@given(LINES)
def test_lines_match_themselves(lines: list[str]) -> None:
    assert matches(lines, lines)


@given(LINES, LINES, LINES)
def test_a_wildcard_line_stands_for_any_lines(
    before: list[str], between: list[str], after: list[str]
) -> None:
    assert matches([*before, f"  {WILDCARD}", *after], [*before, *between, *after])


@given(LINES, st.text("xyz", min_size=1))
def test_another_line_does_not_match(lines: list[str], extra: str) -> None:
    assert not matches([line.replace(WILDCARD, "") for line in lines], [*lines, f"w{extra}"])


def test_a_wildcard_stays_in_its_line() -> None:
    assert matches(["a … c"], ["a b c"])
    assert not matches(["a … c"], ["a b", " c"])


def test_the_width_of_columns_does_not_count_but_indents_do() -> None:
    assert matches(["  a b"], ["  a    b  "])
    assert not matches(["  a b"], ["a b"])


def test_blocks_carry_what_the_comment_before_them_says() -> None:
    file, console = blocks(PAGE)
    assert (file.file, file.text, file.line) == ("a/b.toml", "key = 1\n", 5)
    assert commands(console)[0] == Command("cat a/b.toml", ["key = 1"], 10)


def test_a_block_that_is_not_closed_is_named() -> None:
    with pytest.raises(ValueError, match="line 1"):
        list(blocks("```toml\n"))


def test_a_command_may_go_on_in_further_lines() -> None:
    assert commands(Block("console", "$ a \\\n> b\nout\n", 1)) == [Command("a \\\nb", ["out"], 2)]


def test_links_and_anchors_are_found_outside_code() -> None:
    assert links(PAGE) == ["other.md#part"]
    assert headings("# One: two's `three`\n\n```sh\n# no heading\n```\n") == {"one-twos-three"}


def shell(folder: Path) -> Shell:
    return Shell({"PATH": os.environ["PATH"]}, folder)


def world(folder: Path) -> World:
    return World(folder, "127.0.0.1:4711")


def test_a_page_is_followed_in_one_session(tmp_path: Path) -> None:
    with shell(tmp_path) as session:
        assert follow(PAGE, world(tmp_path), session) == 3
        assert follow("```console\n$ cd a; X=1\n```\n", world(tmp_path), session) == 1
        assert follow("```console\n$ echo $X; cat b.toml\n1\nkey = 1\n```\n", world(tmp_path), session) == 1
        assert session.cwd == tmp_path / "a"


def test_other_output_fails(tmp_path: Path) -> None:
    with shell(tmp_path) as session, pytest.raises(AssertionError, match="line 2"):
        follow("```console\n$ echo yes\nno\n```\n", world(tmp_path), session)


def test_a_failure_that_the_page_hides_fails(tmp_path: Path) -> None:
    with shell(tmp_path) as session, pytest.raises(AssertionError, match="exits with 3"):
        follow("```console\n$ (exit 3)\n```\n", world(tmp_path), session)


def test_names_of_the_pages_lead_to_this_machine_and_back(tmp_path: Path) -> None:
    here = world(tmp_path)
    text = "https://me:pw@packages.example.com/simple/ /home/you/demo packages.example.com/x"
    real = here.to_real(text)
    assert real.startswith(f"http://me:pw@127.0.0.1:4711/simple/ {tmp_path}/demo ")
    assert here.to_page("error: http://***@127.0.0.1:4711/simple/x/ answers 401") == (
        "error: https://***@packages.example.com/simple/x/ answers 401"
    )
