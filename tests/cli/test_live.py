"""The live tree: what is drawn while a run lasts."""

from __future__ import annotations

import io

from groundup.cli.live import LiveTree
from groundup.cli.tree import Step
from groundup.dag import Outcome, Status
from tests.dag.graphs import named


def test_states_keep_their_places_in_whatever_order_they_begin() -> None:
    begun = [named("b"), named("asked"), named("a"), named("c", "a", "b")]
    steps = {state.name: Step(state, 0.0, Outcome(state, Status.OK)) for state in begun}
    tree = LiveTree(steps, io.StringIO(), ["a", "b", "c", "d"])
    assert str(tree._drawing()).splitlines() == [
        "✓ a  0.00 s",
        "✓ b  0.00 s",
        "└─ ✓ c  0.00 s",
        "✓ asked  0.00 s",
        "4 of 4: ok 4 · running 0",
    ]
