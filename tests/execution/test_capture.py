"""Captured bytes are complete, in memory or on disk."""

import gc
import os
import pickle
import resource
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import GroundupError
from groundup.execution.capture import Captured


@given(st.lists(st.binary(max_size=50)), st.integers(0, 100))
def test_what_was_written_is_read_whatever_the_limit(pieces: list[bytes], limit: int) -> None:
    captured = Captured(memory_limit=limit)
    for piece in pieces:
        captured.write(piece)
    content = b"".join(pieces)
    assert bytes(captured) == b"".join(captured.chunks()) == content
    assert len(captured) == len(content)
    assert captured.on_disk == (len(content) > limit)
    assert bytes(pickle.loads(pickle.dumps(captured))) == content  # noqa: S301 - our own bytes


@given(st.binary())
def test_bytes_survive_the_way_through_text(content: bytes) -> None:
    assert Captured(content).text().encode("utf-8", "surrogateescape") == content


@pytest.mark.parametrize("size", [0, 1, 2**20, 3 * 2**20 + 1])
def test_chunks_are_small_and_may_be_read_again(size: int) -> None:
    captured = Captured(b"x" * size, memory_limit=100)
    for _ in range(2):
        chunks = list(captured.chunks())
        assert all(0 < len(chunk) <= 2**20 for chunk in chunks)
        assert sum(map(len, chunks)) == size


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process may have more than 1000 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("sizes", [[2000], [500, 400, 400]])
def test_a_disk_that_takes_no_more_is_told(sizes: list[int]) -> None:
    captured = Captured(memory_limit=100)
    with pytest.raises(GroundupError, match=r"cannot be kept in /.*: File too large") as refused:
        for size in sizes:
            captured.write(b"x" * size)
    assert "TMPDIR" in refused.value.hint


def test_the_file_is_gone_with_its_owner() -> None:
    gc.collect()
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the listing itself holds a descriptor
    captured = Captured(b"x" * 10, memory_limit=1)
    assert captured.on_disk
    del captured
    gc.collect()
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
