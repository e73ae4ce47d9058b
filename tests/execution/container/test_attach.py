"""The connection to a container: frames taken apart however they arrive, stdin sent as it is read."""

import socket
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from groundup.execution.container.attach import Frames, Inlet
from groundup.execution.streams import Sink, Streams

FRAMES = st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.binary(max_size=300)), max_size=12)


@given(frames=FRAMES, cuts=st.lists(st.integers(1, 50), min_size=1))
def test_frames_are_taken_apart_wherever_they_are_cut(
    frames: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    sinks = {1: Sink(), 2: Sink()}
    taken = Frames(sinks)
    data = b"".join(bytes([stream, 0, 0, 0]) + len(part).to_bytes(4, "big") + part for stream, part in frames)
    place = 0
    while place < len(data):
        step = cuts[place % len(cuts)]
        taken.take(memoryview(data)[place : place + step])
        place += step
    for stream, sink in sinks.items():
        assert bytes(sink.captured) == b"".join(part for number, part in frames if number == stream)


def sent(stdin: object) -> bytes:
    """Send `stdin` through an inlet; return what arrives."""
    ours, theirs = socket.socketpair()
    arrived = bytearray()
    ended: list[bool] = []
    with ours, theirs, Streams() as streams:
        ours.setblocking(False)

        def receive() -> None:
            arrived.extend(theirs.recv(7777))

        streams.watch(theirs, receive)
        Inlet(streams, ours, stdin, lambda: ended.append(True)).go_on()  # type: ignore[arg-type]
        assert streams.pump(lambda: bool(ended), None)
        ours.shutdown(socket.SHUT_WR)
        while piece := theirs.recv(65536):
            arrived.extend(piece)
    assert ended == [True]
    return bytes(arrived)


def test_stdin_is_sent_to_its_end(tmp_path: Path) -> None:
    content = bytes(range(256)) * 8000
    (tmp_path / "file").write_bytes(content)
    assert sent(content) == content
    assert sent("ä") == "ä".encode()
    assert sent(b"") == sent(None) == b""
    with (tmp_path / "file").open("rb") as file:
        assert sent(file) == content
    with Path("/dev/null").open("rb") as file:
        assert sent(file) == b""
