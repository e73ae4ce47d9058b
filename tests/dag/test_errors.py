"""What errors say to people."""

from __future__ import annotations

import pytest

from groundup.dag.errors import describe
from groundup.errors import GroundupError


class MuteError(Exception):
    """An error that fails to say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("wrong"), "ValueError: wrong"),
        (ValueError(), "ValueError"),
        (GroundupError("wrong"), "wrong"),
        (ValueError("\x1b[31mred\x1b[0m and \x07"), "ValueError: red and "),
        (ValueError("a file \udcff"), "ValueError: a file \\udcff"),
        (MuteError(), "MuteError"),
    ],
)
def test_an_error_is_described_in_text_that_every_terminal_takes(error: Exception, text: str) -> None:
    assert describe(error) == text
