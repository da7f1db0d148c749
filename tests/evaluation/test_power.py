from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.power import NormalIndPower

from occpred.evaluation.power import persons_needed
from occpred.records import Estimate


def test_by_hand():
    """100 persons, 2 +- 1.96: the standard error is 1, and 2.8016 errors are needed, so 100 * (2.8016 / 2) ** 2."""
    assert persons_needed(Estimate(2, 0.04, 3.96, 100, 100), 100) == math.ceil(100 * (2.8016 / 2) ** 2) == 197


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(("value", "deviation", "persons"), [(1, 4, 100), (-1.5, 30, 40), (0.02, 1, 2000), (3, 8, 7)])
def test_equal_to_statsmodels(value, deviation, persons, confidence):
    half = norm.ppf((1 + confidence) / 2) * deviation / math.sqrt(persons)
    # One sample: the ratio of a second sample to it is 0. Like the formula, it counts the tail of the effect alone.
    expected = NormalIndPower().solve_power(
        abs(value) / deviation, alpha=(1 - confidence) / 2, power=0.8, ratio=0, alternative="larger"
    )
    found = persons_needed(
        Estimate(value, value - half, value + half, persons, persons), persons, confidence=confidence
    )
    assert found == math.ceil(expected)


@given(st.floats(-5, 5), st.floats(0.1, 9), st.floats(-5, 5))
def test_only_the_distance_counts(value, half, null):
    assume(abs(value - null) > 0.1)
    found = persons_needed(Estimate(value, value - half, value + half, 100, 100), 100, null)
    mirrored = persons_needed(Estimate(-value, -value - half, -value + half, 100, 100), 100, -null)
    assert found == pytest.approx(mirrored, rel=1e-6, abs=1)


def test_twice_the_difference_takes_a_quarter_of_the_people():
    once, twice = (persons_needed(Estimate(value, value - 8, value + 8, 100, 100), 100) for value in (1, 2))
    assert once == pytest.approx(4 * twice, abs=4)


@pytest.mark.parametrize(
    "estimate",
    [
        Estimate(0, -1, 1, 9, 9),
        Estimate(math.inf, 0, 1, 9, 9),
        Estimate(1, -math.inf, 2, 9, 9),
        Estimate(1e-300, 0, 1, 9, 9),
    ],
)
def test_where_no_number_would_do(estimate):
    assert persons_needed(estimate, 9) is None


def test_certainty_takes_one():
    assert persons_needed(Estimate(1, 1, 1, 50, 50), 50) == 1
