"""Delays between attempts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.manager.engine.retry import LONGEST, delay
from groundup.nodes.wire import RetryPolicyModel, RetryStrategyEnum


def policy(strategy: str, **more: int) -> RetryPolicyModel:
    return RetryPolicyModel(
        strategy=RetryStrategyEnum(strategy), **{"backoff_factor": 1000, "exponent": 3, **more}
    )


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("EXPONENTIAL", [1000, 3000, 9000]),
        ("EXPONENTIAL_FULL_JITTER", [250, 750, 2250]),
        ("EXPONENTIAL_EQUAL_JITTER", [625, 1875, 5625]),
        ("LINEAR", [1000, 2000, 3000]),
        ("LINEAR_FULL_JITTER", [250, 500, 750]),
        ("LINEAR_EQUAL_JITTER", [625, 1250, 1875]),
        ("FIXED", [1000, 1000, 1000]),
        ("FIXED_FULL_JITTER", [250, 250, 250]),
        ("FIXED_EQUAL_JITTER", [625, 625, 625]),
    ],
)
def test_the_nine_strategies(strategy: str, expected: list[int]) -> None:
    assert [delay(policy(strategy), attempt, lambda: 0.25) for attempt in (1, 2, 3)] == expected


def test_the_longest_delay_is_applied_after_the_jitter() -> None:
    assert delay(policy("FIXED_EQUAL_JITTER", max_delay=600), 1, lambda: 0.0) == 500
    assert delay(policy("FIXED_EQUAL_JITTER", max_delay=600), 1, lambda: 0.9) == 600


def test_attempts_count_from_one() -> None:
    with pytest.raises(ValueError, match="Retry count must be greater than or equal to 1, got 0"):
        delay(policy("FIXED"), 0, lambda: 0.0)


@given(
    st.sampled_from(RetryStrategyEnum),
    st.integers(1, 10**6),
    st.integers(1, 10**30),
    st.integers(1, 10**30),
    st.floats(0, 1, exclude_max=True),
)
def test_every_delay_fits_a_database_column(
    strategy: RetryStrategyEnum, attempt: int, factor: int, exponent: int, chance: float
) -> None:
    wild = RetryPolicyModel(strategy=strategy, backoff_factor=factor, exponent=exponent)
    assert 0 <= delay(wild, attempt, lambda: chance) <= LONGEST
