"""The line of a key in a TOML text: what the scan finds is what was written there, whatever stands around."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup import proto_kernel

BARE = st.sampled_from(["venv", "path", "a", "b-c", "d_e", "3"])
QUOTED = st.sampled_from(['"venv"', "'path'", '"a b"', '"a.b"', '"a = b"', '"[x]"', '"#"', "'it\"s'", '"é"'])
KEYS = st.one_of(BARE, QUOTED)
DECOYS = ["venv = 1", "[venv]", "[[path]]", "# a", "a.b = 2", "", "[a]", "x [venv] y", "'", "a = '", 'b = "']
NOISE = st.lists(
    st.sampled_from(["", "# venv = 1", "  # [venv]", "\t", "#[[path]]", "# '''", '# """']), max_size=2
)


def multi_line(quote: str) -> st.SearchStrategy[str]:
    """Values that are texts over several lines, which look like keys and tables."""
    lines = st.lists(st.sampled_from([*DECOYS, "\\\\" if quote == '"""' else "\\"]), min_size=1, max_size=4)
    ends = st.sampled_from(["", "\n"])
    return st.builds(lambda inner, end: f"{quote}\n{chr(10).join(inner)}{end}{quote}", lines, ends).filter(
        lambda text: quote[0] not in (text[-4], text[3:4])
    )


ELEMENTS = ['"venv = 1"', '["venv"]', '["a", "b"]', "'[venv]'", '{ path = "x" }', "1", '"#"', '[["a"]]']
ARRAYS = st.builds(
    lambda elements, comma, comment: (
        "[" + comment + "\n" + ",\n".join(f"  {one}" for one in elements) + comma + "\n]"
    ),
    st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=3),
    st.sampled_from(["", ","]),
    st.sampled_from(["", " # venv = ["]),
)
SCALARS = [
    "1",
    "true",
    '"x"',
    "'y'",
    '"# z"',
    '"""one line"""',
    "'''one'''",
    '"a = b"',
    "'[venv]'",
    "[]",
    '["a"]',
]
VALUES = st.one_of(st.sampled_from(SCALARS), multi_line('"""'), multi_line("'''"), ARRAYS)
SPACES = st.sampled_from(["", " ", "  ", "\t"])


@dataclass
class Document:
    """A TOML text that is written line by line, and the line of each key and table in it."""

    lines: list[str] = field(default_factory=list)
    places: dict[tuple[str | int, ...], int] = field(default_factory=dict)
    counts: dict[tuple[str | int, ...], int] = field(default_factory=dict)

    def add(self, text: str) -> int:
        """Add `text`; return the number of its first line."""
        self.lines.extend(text.split("\n"))
        return len(self.lines) - text.count("\n")


def plain(key: str) -> str:
    """Return a key as the reader gives it."""
    return key[1:-1] if key[0] in "\"'" else key


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document of root keys, tables and arrays of tables."""
    document = Document()
    write_keys(draw, document, ())
    for names in draw(st.lists(st.lists(KEYS, min_size=1, max_size=2), max_size=3)):
        write_table(draw, document, names)
    return document


def write_table(draw: st.DrawFn, document: Document, names: list[str]) -> None:
    key: tuple[str | int, ...] = tuple(plain(name) for name in names)
    if key in document.places or any(key[:length] in document.counts for length in range(1, len(key))):
        return  # twice the same, or a table inside the last table of an array
    is_array = draw(st.booleans()) or key in document.counts
    count = document.counts.get(key, 0)
    if is_array:
        document.counts[key] = count + 1
    path = (*key, count) if is_array else key
    for noise in draw(NOISE):
        document.add(noise)
    space = draw(SPACES)
    name = (space + "." + space).join(names)
    header = f"[[{space}{name}{space}]]" if is_array else f"[{space}{name}{space}]"
    document.places[path] = document.add(draw(SPACES) + header + draw(st.sampled_from(["", " # [other]"])))
    write_keys(draw, document, path)


def write_keys(draw: st.DrawFn, document: Document, table: tuple[str | int, ...]) -> None:
    for key in draw(st.lists(KEYS, max_size=3, unique_by=plain)):
        for noise in draw(NOISE):
            document.add(noise)
        value, space = draw(VALUES), draw(SPACES)
        document.places[*table, plain(key)] = document.add(f"{draw(SPACES)}{key}{space}={space}{value}")


def at(table: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        table = table[key]
    return table


def valid(document: Document) -> bool:
    try:
        tomllib.loads("\n".join(document.lines))
    except tomllib.TOMLDecodeError:
        return False
    return True


@given(documents().filter(valid))
def test_every_key_and_table_is_found_where_it_was_written(document: Document) -> None:
    text = "\n".join(document.lines)
    read = tomllib.loads(text)
    for path, line in document.places.items():
        at(read, path)
        assert proto_kernel.find_line(text, path) == line, f"{path}\n{text}"


@given(documents().filter(valid), st.sampled_from(["nothing", 0]))
def test_what_stands_inside_a_value_is_found_at_the_line_of_its_key(
    document: Document, inner: str | int
) -> None:
    text = "\n".join(document.lines)
    for path, line in document.places.items():
        if (*path, inner) not in document.places:
            assert proto_kernel.find_line(text, (*path, inner)) == line


@given(
    st.text(alphabet="[]\"'=.#\n ab\\{},", max_size=60), st.lists(st.sampled_from(["a", "b", 0]), max_size=3)
)
def test_any_text_gives_some_line_of_it(text: str, keys: list[str | int]) -> None:
    assert 1 <= proto_kernel.find_line(text, tuple(keys)) <= text.count("\n") + 1


@pytest.mark.parametrize(
    ("text", "keys", "line"),
    [
        ("a = 1\nb = 2\n", ("b",), 2),
        ("[x]\nb = 1\n[y]\nb = 2\n", ("y", "b"), 4),
        ("[[p]]\nk = 1\n[[p]]\nk = 2\n", ("p", 1, "k"), 4),
        ("[[p]]\n[p.q]\nk = 1\n[[p]]\n[p.q]\nk = 2\n", ("p", 1, "q", "k"), 6),
        ("[[p]]\n[[p.q]]\n[[p.q]]\nk = 1\n[[p]]\n[[p.q]]\nk = 2\n", ("p", 1, "q", 0, "k"), 7),
        ("[tool.groundup]\nuv.version = '1'\n", ("tool", "groundup", "uv", "version"), 2),
        ('[tool."groundup"]\n"venv" = 1\n', ("tool", "groundup", "venv"), 2),
        ("uv = { version = '1' }\n", ("uv", "version"), 1),
        ("a = 1\n[neo.parms.deploy]\nx = 1\n", ("neo", "parms"), 2),
        ("[neo.x]\ny = 1\n[neo]\nz = 1\n", ("neo",), 3),
        ("# nothing\n", ("venv",), 1),
        ("", ("venv",), 1),
    ],
)
def test_examples(text: str, keys: tuple[str | int, ...], line: int) -> None:
    assert proto_kernel.find_line(text, keys) == line
