import notes
import pytest


def test_words_become_a_line():
    assert notes.note(["buy", "milk"]) == "- buy milk"


def test_no_words_are_no_note():
    with pytest.raises(ValueError, match="needs words"):
        notes.note([])
