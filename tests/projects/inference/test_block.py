"""A written block changes nothing else of a script, and Python and groundup read it back."""

from __future__ import annotations

import ast
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.projects.inference import with_block, write_block
from groundup.projects.metadata import parse_metadata
from groundup.projects.script import Script, read_script

BLOCK = b'# /// script\n# dependencies = [\n#     "a>=1",\n# ]\n# ///\n'

heads = st.lists(
    st.sampled_from(
        [b"#!/usr/bin/env python3", b"# -*- coding: latin-1 -*-", b"# comment", b'"""Text."""', b""]
    ),
    max_size=3,
)
bodies = st.sampled_from([b"import a", b"x = 1", b"", b"def f(): pass"])
ends = st.sampled_from([b"\n", b"\r\n"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (b"", b"import a\n"),
        (b"\xef\xbb\xbf", b"import a\n"),
        (b"#!/usr/bin/env python3\n", b"import a\n"),
        (b"# -*- coding: latin-1 -*-\n", b"x = '\xe4'\n"),
        (b"#!/usr/bin/env python3\n# vim: set fileencoding=latin-1 :\n", b"x = '\xe4'\n"),
        (b"# first\n# coding: latin-1\n", b"x = '\xe4'\n"),
        (b"", b"'''Text.'''\n# coding: latin-1\n"),
    ],
)
def test_it_stands_after_the_lines_that_have_to_be_first(before: bytes, after: bytes) -> None:
    separator = b"\n" if after else b""
    assert with_block(Script(before + after), ["a>=1"]) == before + BLOCK + separator + after


def test_line_ends_stay() -> None:
    assert (
        with_block(Script(b"import a\r\n"), ["a>=1"]) == BLOCK.replace(b"\n", b"\r\n") + b"\r\nimport a\r\n"
    )


def test_a_first_line_without_end() -> None:
    assert with_block(Script(b"#!/bin/python"), ["a>=1"]) == b"#!/bin/python\n" + BLOCK


@given(
    heads, bodies, ends, st.booleans(), st.lists(st.sampled_from(["a", "b>=1", "c[d]; sys_platform=='x'"]))
)
def test_it_is_read_back_and_nothing_else_changes(
    head: list[bytes], body: bytes, end: bytes, bom: bool, requirements: list[str]
) -> None:
    content = end.join([*head, body, b""])
    if bom and not any(b"latin" in line for line in head):
        content = b"\xef\xbb\xbf" + content
    written = Script(with_block(Script(content), requirements))
    assert [one.text for one in parse_metadata(written.text(), "x").dependencies] == requirements
    assert ast.dump(ast.parse(written.content)) == ast.dump(ast.parse(content))
    remaining = written.content.replace(with_block(Script(end), requirements).removesuffix(end), b"", 1)
    assert remaining.replace(end, b"") == content.replace(end, b"")


def test_the_file_keeps_its_rights_and_links(tmp_path: Path) -> None:
    script, link = tmp_path / "script.py", tmp_path / "link.py"
    script.write_bytes(b"import a\n")
    script.chmod(0o750)
    link.symlink_to(script)
    write_block(read_script(link), ["a>=1"])
    assert script.read_bytes() == BLOCK + b"\nimport a\n"
    assert stat.S_IMODE(script.stat().st_mode) == 0o750
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.py", "script.py"]


def test_a_script_that_has_one_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_bytes(b"x = 1\n" + BLOCK)
    with pytest.raises(UserError, match=r"script\.py:2: there is a `# /// script` block already"):
        write_block(read_script(script), ["a"])
    assert script.read_bytes() == b"x = 1\n" + BLOCK


def test_a_file_that_is_protected_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    file.write_text("import x\n")
    file.chmod(0o444)
    with pytest.raises(UserError, match="is protected"):
        write_block(read_script(file), ["x"])
    assert file.read_text() == "import x\n"


def test_code_that_is_in_no_file_is_refused() -> None:
    with pytest.raises(UserError, match="in no file"):
        write_block(Script(b""), ["a"])
