"""Which state a context belongs to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from groundup.dag.output import Capture, Children, Outside, Running, current


def test_the_innermost_block_counts_and_the_outer_one_comes_back() -> None:
    assert current.get() is None
    with Running(Children()) as outer:
        with Running(Children()) as inner:
            assert current.get() is inner
            with Outside():
                assert current.get() is None
            assert current.get() is inner
        assert current.get() is outer
    assert current.get() is None


def test_tasks_have_their_own(tmp_path: Path) -> None:
    async def state(name: str) -> bool:
        with Running(Children()) as running:
            for _ in range(5):
                await asyncio.sleep(0)
                assert await asyncio.to_thread(current.get) is running
            return current.get() is running

    async def main() -> list[bool]:
        return await asyncio.gather(*[state(str(n)) for n in range(5)])

    assert asyncio.run(main()) == [True] * 5


def test_a_state_without_capture_inside_of_one_with_it_writes_there(tmp_path: Path) -> None:
    with Capture(tmp_path) as capture, Running(Children(), capture.of("outer")) as outer:
        with Running(Children()):
            print("inner")
        assert outer.output is not None
        assert outer.output.text() == "inner\n"
        print("outer")
        assert outer.output.text() == "inner\nouter\n"


def test_children_and_output_can_be_entered_one_by_one(tmp_path: Path) -> None:
    with Capture(tmp_path) as capture, capture.of("a") as output, Children() as children:
        running = current.get()
        assert running is not None
        assert running.children is children
        assert running.receiver is output
    with Capture(tmp_path) as capture, Children() as children, capture.of("a") as output:
        running = current.get()
        assert running is not None
        assert (running.children, running.receiver) == (children, output)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, "ok"),
        (ValueError(), "failed"),
        (SystemExit(3), "failed"),
        (KeyboardInterrupt(), "interrupted"),
        (asyncio.CancelledError(), "interrupted"),
    ],
)
def test_the_way_in_which_a_block_is_left_is_its_status(
    tmp_path: Path, error: BaseException | None, status: str
) -> None:
    with Capture(tmp_path) as capture:
        output = capture.of("state")
        try:
            with Running(Children(), output):
                if error:
                    raise error
        except BaseException as raised:
            assert raised is error
        assert output.status == status
