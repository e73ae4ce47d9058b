"""A folder with states, and what is remembered of them there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup.dag import Lazy, state
from groundup.dag.state import AnyState
from groundup.dag.uptodate import (
    Result,
    Tracker,
    Verdict,
)


class Desk:
    """A root, and the trackers that processes would use there, one after the other."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".groundup/states"
        self.tracker = Tracker(root, self.folder)

    def again(self) -> Tracker:
        """Go on as the next process."""
        self.tracker.close()
        self.tracker = Tracker(self.root, self.folder)
        return self.tracker

    def write(self, name: str, text: str = "") -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def evaluate(
        self,
        of: AnyState,
        value: Any = None,
        parents: Mapping[str, Result] | None = None,
        params: Mapping[str, Any] | None = None,
        lazies: Mapping[str, Result] | None = None,
    ) -> tuple[Result, bool]:
        """Record an evaluation of `of` that gave `value`."""
        verdict = self.judge(of, parents, params)
        self.tracker.begin(of)
        return self.tracker.finish(of, verdict, value, lazies or {})

    def judge(
        self,
        of: AnyState,
        parents: Mapping[str, Result] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Verdict:
        return self.tracker.judge(of, params, parents or {})

    def reasons(
        self,
        of: AnyState,
        parents: Mapping[str, Result] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """Say, as another process, why `of` would run."""
        self.again()
        return [f"{reason.kind} {reason.name}" for reason in self.judge(of, parents, params).reasons]


@state(inputs=["in.txt", "src"], outputs=["out.txt"])
def built(p: int) -> int:
    return p


@state(inputs=["in.txt"])
def read() -> int:
    return 1


@state(outputs=["made/*", "folder"])
def makes() -> None:
    pass


@state(inputs=["in.txt"])
def opaque() -> object:
    return object()


@state(inputs=["in.txt"])
def fed(p: int, q: int) -> int:
    return p + q


@state
def plain(read: int) -> int:
    return read


@state(inputs=["in.txt"])
def demanding(a: Lazy[int], b: Lazy[int], read: int) -> int:
    return read


@state
def checked(p: int) -> int:
    return p


@checked.satisfied
def _() -> bool:
    return True


@state(outputs=["out.txt"])
def checked_output() -> int:
    return 1


@checked_output.satisfied
def _() -> bool:
    return True


ONE, TWO = Result("one", "1"), Result("two", "2")
