"""How often inference is right about imports: a sample of ``imports.toml``, by the files of real wheels.

``python -m tests.index.accuracy --sample 24 --seed 1`` prints what was found. A sample is to be small: each
import asks the index for one or two pages and wheels.
"""

from __future__ import annotations

import argparse
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from groundup.projects.inference.deciding import Decider
from groundup.projects.inference.errors import Undecided
from groundup.projects.inference.imports import Import
from groundup.projects.inference.index import Indexes, configured_indexes
from groundup.projects.inference.modules import distribution_name, shipped_table
from groundup.projects.inference.standard import Version

IMPORTS = Path(__file__).with_name("imports.toml")
KINDS = ("renamed", "same", "several", "refused", "unpublished")
Outcome = Literal["right", "undecided", "wrong"]


@dataclass(frozen=True)
class Case:
    """An import, and the distributions that are right; of none of them, and of several, an error is."""

    module: str
    kind: str
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What inference made of an import; `found` are distributions, or the reason why there is none."""

    case: Case
    outcome: Outcome
    found: str

    def __str__(self) -> str:
        accepted = " or ".join(self.case.accepted) or "an error"
        return f"{self.outcome:9}  {self.case.kind:11}  {self.case.module}: {self.found} (right: {accepted})"


def cases() -> list[Case]:
    """Return all imports."""
    document = tomllib.loads(IMPORTS.read_text(encoding="utf-8"))
    return [
        *(Case(module, kind) for kind in ("refused", "unpublished") for module in document[kind]),
        *(Case(module, "same", (module,)) for module in document["same"]),
        *(Case(module, "renamed", (name,)) for module, name in document["renamed"].items()),
        *(Case(module, "several", tuple(names)) for module, names in document["several"].items()),
    ]


def drawn(seed: str, count: int) -> list[Case]:
    """Return a sample."""
    return random.Random(seed).sample(cases(), count)  # noqa: S311


def judge(cases: Iterable[Case], indexes: Indexes, version: Version) -> list[Verdict]:
    """Ask `indexes` about imports."""
    decider = Decider(shipped_table(), indexes, version)
    return [_judge(case, decider) for case in cases]


def summary(verdicts: Sequence[Verdict]) -> str:
    """Return how many imports of each kind were right, undecided and wrong."""
    counts = Counter((one.case.kind, one.outcome) for one in verdicts)
    lines = [f"{'':11} {'right':>9} {'undecided':>9} {'wrong':>9}"]
    for kind in KINDS:
        numbers = [counts[kind, outcome] for outcome in ("right", "undecided", "wrong")]
        lines.append(f"{kind:11} " + " ".join(f"{number:9}" for number in numbers))
    return "\n".join(lines)


def _judge(case: Case, decider: Decider) -> Verdict:
    one = Import(case.module, 1)
    decisions = [decider.decide(module, [one]) for module in decider.table.wanted(one)]
    reasons = [decision.reason for decision in decisions if isinstance(decision, Undecided)]
    if reasons:
        return Verdict(case, "undecided" if case.kind in ("renamed", "same") else "right", reasons[0])
    names = [each.distribution for one in decisions if not isinstance(one, Undecided) for each in one]
    accepted = {distribution_name(name) for name in case.accepted}
    right = len(names) == 1 and distribution_name(names[0]) in accepted
    return Verdict(case, "right" if right else "wrong", ", ".join(names))


def main() -> None:
    """Print what a sample gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=24)
    parser.add_argument("--seed", default="1")
    arguments = parser.parse_args()
    version = (sys.version_info[0], sys.version_info[1])
    verdicts = judge(drawn(arguments.seed, arguments.sample), configured_indexes(), version)
    print(*sorted(map(str, verdicts)), summary(verdicts), sep="\n")


if __name__ == "__main__":
    main()
