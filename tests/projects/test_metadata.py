"""The script block of PEP 723."""

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.projects.metadata import Block, Declared, ScriptMetadata, blocks_of, parse_metadata

SCRIPT = """\
#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "alpha>=1",  # a comment
#
#   "beta",
# ]
# [tool.uv]
# exclude-newer = "2026-01-01T00:00:00Z"
# ///
import alpha
"""


def test_dependencies_python_and_settings_for_uv() -> None:
    metadata = parse_metadata(SCRIPT, "s.py")
    assert metadata.dependencies == (Declared("alpha>=1", "s.py:5"), Declared("beta", "s.py:7"))
    assert metadata.requires_python == Declared(">=3.11", "s.py:3")
    assert metadata.uv == {"exclude-newer": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import os\n",
        "# /// other\n# dependencies = ['a']\n# ///\n",
        "  # /// script\n  # dependencies = ['a']\n  # ///\n",
        "#/// script\n# dependencies = ['a']\n# ///\n",
    ],
)
def test_a_script_without_a_script_block_declares_nothing(text: str) -> None:
    assert parse_metadata(text, "s.py") == ScriptMetadata()


@pytest.mark.parametrize("end", ["", "\nimport os\n# ///\n", "\n#x\n# ///\n"])
def test_a_block_that_is_never_closed_is_none(end: str) -> None:
    assert parse_metadata("# /// script\n# dependencies = ['a']" + end, "s.py") == ScriptMetadata()


def test_the_last_closing_line_of_the_comment_closes_the_block() -> None:
    text = "# /// some\n# embedded = '''\n# ///\n# '''\n# ///\n# after\n"
    assert list(blocks_of(text)) == [Block("some", 1, "embedded = '''\n///\n'''")]


def test_several_script_blocks_are_an_error_with_lines() -> None:
    block = "# /// script\n# dependencies = []\n# ///\n"
    with pytest.raises(UserError, match=r"s\.py:5: more than one .* \(lines 1, 5\)"):
        parse_metadata(f"{block}\n{block}", "s.py")


def test_two_script_blocks_without_a_line_between_are_an_error_with_lines() -> None:
    block = "# /// script\n# dependencies = []\n# ///\n"
    with pytest.raises(UserError, match=r"s\.py:5: more than one .* \(lines 2, 5\)"):
        parse_metadata(f"\n{block}{block}", "s.py")


@pytest.mark.parametrize(
    ("block", "line"),
    [("# a = \n", 3), ("# a = 1\n# b = [\n", 4), ("# a = 1\n# a = 2\n", 4), ("# dependencies = ['a'\n", 3)],
)
def test_bad_toml_is_an_error_with_file_and_line(block: str, line: int) -> None:
    with pytest.raises(UserError, match=rf"^s\.py:{line}: the script block is not valid TOML"):
        parse_metadata(f"\n# /// script\n{block}# ///\n", "s.py")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("# dependencies = 'alpha'\n", r"s\.py:2: dependencies must be a list of text"),
        ("# dependencies = [1]\n", r"s\.py:2: dependencies must be a list of text"),
        ("#\n# requires-python = 3.11\n", r"s\.py:3: requires-python must be text"),
        ("# tool = 1\n", r"s\.py:2: tool and tool\.uv must be tables"),
        ("# tool.uv = []\n", r"s\.py:2: tool and tool\.uv must be tables"),
        ("# dependancies = []\n", r"s\.py:2: unknown key 'dependancies'"),
        ("# requires_python = '>=3'\n", r"s\.py:2: unknown key 'requires_python'"),
    ],
)
def test_wrong_types_and_misspelt_keys_are_errors(block: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_metadata(f"# /// script\n{block}# ///\n", "s.py")


def test_the_line_is_that_of_the_key_not_of_one_that_begins_like_it() -> None:
    text = "# /// script\n# dependencies = []\n# requires-python = '>=3'\n# dependencie = 1\n# ///\n"
    with pytest.raises(UserError, match=r"x\.py:4: unknown key 'dependencie'"):
        parse_metadata(text, "x.py")


def test_a_misspelt_key_suggests_the_right_one() -> None:
    with pytest.raises(UserError) as refused:
        parse_metadata("# /// script\n# dependancies = []\n# ///\n", "s.py")
    assert refused.value.hint == "did you mean 'dependencies'?"


printable = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)


@given(
    dependencies=st.lists(printable),
    before=st.lists(printable.filter(lambda line: not line.startswith("# ///"))),
    after=st.lists(printable.filter(lambda line: not line.startswith("#"))),
)
def test_what_was_written_into_a_block_is_read_from_it(
    dependencies: list[str], before: list[str], after: list[str]
) -> None:
    toml = tomli_w.dumps({"dependencies": dependencies}).splitlines()
    commented = [f"# {line}" if line else "#" for line in toml]
    lines = [*before, "# /// script", *commented, "# ///", *after]
    metadata = parse_metadata("\n".join(lines), "s.py")
    assert [declared.text for declared in metadata.dependencies] == dependencies


@given(st.text())
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    try:
        parse_metadata(f"# /// script\n# {text}\n# ///", "s.py")
    except UserError as refused:
        assert str(refused).startswith("s.py:")
