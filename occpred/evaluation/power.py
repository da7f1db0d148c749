"""Power: how many persons a decision takes."""

from __future__ import annotations

import math
from statistics import NormalDist

from occpred.records import Estimate

POWER = 0.8
"""Chance of finding a difference that is there."""
MOST_PERSONS = 10**9
"""Larger numbers come from a value that differs from the null by rounding."""


def persons_needed(estimate: Estimate, persons: int, null: float = 0.0, confidence: float = 0.95) -> int | None:
    """How many persons would tell the estimated value from `null`, with 80% power, two-sided.

    With z(q) the normal quantile and s the standard error that the interval speaks of,

        s = (high - low) / (2 z((1 + confidence) / 2)),
        needed = persons * ((z((1 + confidence) / 2) + z(0.8)) * s / (value - null)) ** 2, rounded up,

    because s shrinks with the root of the number of persons, whatever each of them brings along. The answer is as rough
    as the estimate: it holds if the true value is the estimated one.

    Args:
        estimate: the value and its interval, found with `persons`.
        persons: how many persons it rests on.
        null: the value to be told apart, 0 for a difference.
        confidence: that of the interval, 0.95 for a test at level 0.05.

    Returns:
        At least 1; `None` where the value is `null` or not finite, or so near to `null` that more than `MOST_PERSONS`
        would be needed: no number of persons would do.
    """
    certainty = NormalDist().inv_cdf((1 + confidence) / 2)
    standard_error = (estimate.high - estimate.low) / (2 * certainty)
    distance = estimate.value - null
    if distance == 0 or not math.isfinite(distance):
        return None
    root = (certainty + NormalDist().inv_cdf(POWER)) * standard_error / distance
    exact = persons * root * root
    return max(1, math.ceil(exact)) if exact <= MOST_PERSONS else None
