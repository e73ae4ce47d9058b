"""Text for logs and screens: secrets masked wherever the data was cut, control characters gone."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag.output.text import LONGEST, masked, plain
from groundup.proto_kernel import mask

WORDS = st.one_of(
    st.sampled_from(
        ["--token", "--api-key", "API_KEY=", "MY_SECRET=", "PassWord=", "https://", "me:pw", "@"]
    ),
    st.sampled_from(["host/x", "?q=1", " ", "\n", "\r", "\t", "=", "-", "ä", "\udcff", "word"]),
)
TEXTS = st.lists(WORDS, max_size=30).map("".join)


@given(TEXTS, st.lists(st.integers(1, 40)))
def test_data_is_masked_as_if_it_were_one_text(text: str, cuts: list[int]) -> None:
    data = text.encode("utf-8", "surrogateescape")
    parts, rest = [], data
    for cut in cuts:
        parts.append(rest[:cut])
        rest = rest[cut:]
    whole = b"".join(masked([*parts, rest]))
    assert whole.decode("utf-8", "surrogateescape") == mask(text)


@given(st.lists(st.binary(max_size=50)))
def test_without_secrets_all_bytes_survive(parts: list[bytes]) -> None:
    parts = [part.replace(b"@", b"").replace(b"://", b"") for part in parts]
    assert b"".join(masked(parts)) == b"".join(parts)


def test_a_line_without_end_is_given_on_in_parts() -> None:
    parts = list(masked(b"x" * 1000 for _ in range(1000)))
    assert b"".join(parts) == b"x" * 1_000_000
    assert max(map(len, parts)) <= LONGEST + 1000


def test_text_without_secrets_is_not_searched_for_each_kind_of_secret() -> None:
    text = "an ordinary line of some program\n" * 2000
    data = text.encode()
    assert seconds(lambda: b"".join(masked([data]))) < seconds(lambda: mask(text)) / 3  # it is a hundredth


def seconds(call: Callable[[], object]) -> float:
    begun = time.process_time()
    call()
    return time.process_time() - begun


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2K\x1b[1Gat the start", "at the start"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bcharset\x1b=\x1b>", "charset"),
        ("bell\x07 back\x08 null\x00 delete\x7f c1\x9b", "bell back null delete c1"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("cut off \x1b[", "cut off "),
        ("cut off \x1b", "cut off "),
        ("ünïcödé ✓", "ünïcödé ✓"),
    ],
)
def test_control_characters_are_removed(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text())
def test_nothing_that_controls_a_terminal_is_left(text: str) -> None:
    assert not [c for c in plain(text) if c not in "\n\t" and (c < " " or "\x7f" <= c <= "\x9f")]
