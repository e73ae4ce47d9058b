"""A figure: paired samples of one run, their median, and the target that it is held against."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.benchmarks.measuring import Cost


@dataclass(frozen=True)
class Figure:
    """What was measured, as `samples` in `unit`, one a round; the median must not exceed `target`.

    With `at_least` it must not fall below it; without a target the figure is only reported. `cpu` is the
    median of the same by processor time, where that was measured. `medians` are the measured values behind
    the figure, for those who want to know them; they belong to this machine.
    """

    name: str
    unit: str
    target: float | None
    samples: tuple[float, ...]
    cpu: float | None = None
    medians: Mapping[str, float] = field(default_factory=dict)
    at_least: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def noise(self) -> float:
        """Half the width of the interval that holds the true median 19 times of 20."""
        low, high = median_interval(self.samples)
        return (high - low) / 2

    @property
    def ok(self) -> bool:
        return self.verdict in ("", "ok")

    @property
    def verdict(self) -> str:
        """How the median stands to the target: ``ok``, ``over`` or ``under``; empty without a target."""
        if self.target is None:
            return ""
        if self.at_least:
            return "ok" if self.median >= self.target else "under"
        return "ok" if self.median <= self.target else "over"


def median_interval(samples: Sequence[float]) -> tuple[float, float]:
    """Return the interval that holds the true median with 95 %, whatever the distribution.

    Its ends are samples: their ranks follow from the binomial distribution. With fewer than six samples
    no such ranks exist, and the ends are the least and the greatest.
    """
    ordered = sorted(samples)
    rank = max(0, lower_rank(len(ordered)))
    return ordered[rank], ordered[-1 - rank]


def lower_rank(count: int) -> int:
    """Return the greatest rank, from 0, below which fewer than 2.5 % of all medians fall; -1 for none."""
    rank, below = -1, 0.0
    while True:
        below += math.comb(count, rank + 1) / 2**count
        if below > 0.025:
            return rank
        rank += 1


def ratio(
    name: str,
    target: float | None,
    costs: Mapping[str, list[Cost]],
    *,
    over: str,
    under: str,
    at_least: bool = False,
) -> Figure:
    """Return the figure `over` / `under`, taken in each round."""
    pairs = list(zip(costs[over], costs[under], strict=True))
    return Figure(
        name,
        "x",
        target,
        tuple(a.wall / b.wall for a, b in pairs),
        statistics.median(a.cpu / b.cpu for a, b in pairs),
        milliseconds(costs, over, under),
        at_least,
    )


def difference(
    name: str, target: float, costs: Mapping[str, list[Cost]], *, over: str, under: str, unit: str
) -> Figure:
    """Return the figure `over` - `under`, taken in each round and counted in medians of `unit`."""
    pairs = list(zip(costs[over], costs[under], strict=True))
    wall = statistics.median(cost.wall for cost in costs[unit])
    cpu = statistics.median(cost.cpu for cost in costs[unit])
    return Figure(
        name,
        f"{unit}s",
        target,
        tuple((a.wall - b.wall) / wall for a, b in pairs),
        statistics.median((a.cpu - b.cpu) / cpu for a, b in pairs),
        milliseconds(costs, over, under, unit),
    )


def more(
    name: str, target: float | None, costs: Mapping[str, list[Cost]], *, over: str, under: str
) -> Figure:
    """Return the figure `over` - `under`, taken in each round, in milliseconds."""
    pairs = list(zip(costs[over], costs[under], strict=True))
    return Figure(
        name,
        "ms",
        target,
        tuple((a.wall - b.wall) * 1000 for a, b in pairs),
        statistics.median((a.cpu - b.cpu) * 1000 for a, b in pairs),
        milliseconds(costs, over, under),
    )


def beyond(name: str, target: float, costs: Mapping[str, list[Cost]], over: str, under: str) -> Figure:
    """Return the figure `over` - `under`, taken in each round, in milliseconds."""
    samples = tuple((a.wall - b.wall) * 1000 for a, b in zip(costs[over], costs[under], strict=True))
    return Figure(name, "ms", target, samples, None, milliseconds(costs, over, under))


def times(
    name: str,
    target: float,
    costs: Mapping[str, list[Cost]],
    over: str,
    under: str,
    *,
    at_least: bool = False,
) -> Figure:
    """Return the figure `over` / `under`, taken in each round."""
    samples = tuple(a.wall / b.wall for a, b in zip(costs[over], costs[under], strict=True))
    return Figure(name, "x", target, samples, None, milliseconds(costs, over, under), at_least)


def per_state(name: str, target: float | None, costs: Sequence[Cost], size: int) -> Figure:
    """Return the figure of what took `costs` for `size` states, in microseconds for each of them."""
    scale = 1e6 / size
    cpu = statistics.median(cost.cpu for cost in costs) * scale
    return Figure(name, "us a state", target, tuple(cost.wall * scale for cost in costs), cpu)


def milliseconds(costs: Mapping[str, list[Cost]], *names: str) -> dict[str, float]:
    """Return the median wall time of each, in milliseconds."""
    return {f"{name}, ms": statistics.median(c.wall for c in costs[name]) * 1000 for name in names}
