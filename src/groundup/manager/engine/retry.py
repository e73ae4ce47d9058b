"""Delays between attempts: three ways to grow, each plain, with full jitter, with equal jitter."""

from __future__ import annotations

from collections.abc import Callable

from groundup.nodes.wire import RetryPolicyModel, RetryStrategyEnum


def delay(policy: RetryPolicyModel, attempt: int, random: Callable[[], float]) -> int:
    """Milliseconds to wait before retry number ``attempt``, at least 1.

    :param random: gives a number in [0, 1); used by the strategies with jitter.
    :raises ValueError: for an attempt below 1.
    """
    if attempt < 1:
        raise ValueError(f"Retry count must be greater than or equal to 1, got {attempt}")
    value = _jittered(policy.strategy, _base(policy, attempt), random)
    return value if policy.max_delay is None else min(value, policy.max_delay)


LONGEST = 2**53
"""Upper limit of every delay and time in milliseconds: exact as a float, and fits a 64-bit column."""


def _base(policy: RetryPolicyModel, attempt: int) -> int:
    factor = policy.backoff_factor
    if policy.strategy.startswith("EXPONENTIAL"):
        factor *= policy.exponent ** min(attempt - 1, 64)
    elif policy.strategy.startswith("LINEAR"):
        factor *= attempt
    return min(factor, LONGEST)


def _jittered(strategy: RetryStrategyEnum, base: int, random: Callable[[], float]) -> int:
    if strategy.endswith("FULL_JITTER"):
        return int(base * random())
    if strategy.endswith("EQUAL_JITTER"):
        return int(base / 2 + base / 2 * random())
    return base
