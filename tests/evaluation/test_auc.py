from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from occpred.evaluation.auc import auc
from occpred.evaluation.intervals import Evaluation

EVALUATION = Evaluation(bootstrap_samples=100)
marks = st.integers(1, 5).map(float)


def names(size: int) -> list[str]:
    return [f"person {number}" for number in range(size)]


def test_by_hand():
    """5 beats 1 and 3, 3 beats 1 and ties with 3: 3.5 of 4."""
    found = auc(np.array([5.0, 3.0]), np.array([1.0, 3.0]), names(2), EVALUATION)
    assert (found.value, found.n) == (3.5 / 4, 2)


@settings(max_examples=30)
@given(st.lists(st.tuples(marks, marks), min_size=1, max_size=30))
def test_equal_to_mann_whitney(pairs):
    true_P, false_P = np.array(pairs).T
    people = names(len(pairs))
    found = auc(true_P, false_P, people, EVALUATION)
    assert found.value == pytest.approx(mannwhitneyu(true_P, false_P).statistic / len(pairs) ** 2)
    assert auc(false_P, true_P, people, EVALUATION).value == pytest.approx(1 - found.value)
    assert 0 <= found.low <= found.high <= 1 + 1e-12


def test_a_perfect_judge_leaves_no_doubt():
    found = auc(np.full(40, 5.0), np.full(40, 2.0), names(40), EVALUATION)
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))


def test_people_who_repeat_make_intervals_wider():
    rng = np.random.default_rng(0)
    true_P, false_P = (np.repeat(rng.integers(low, low + 4, 50), 6).astype(float) for low in (2, 1))
    by_person, by_row = (
        auc(true_P, false_P, people, Evaluation(bootstrap_samples=1000))
        for people in (np.repeat(names(50), 6).tolist(), names(300))
    )
    assert (by_person.high - by_person.low) / (by_row.high - by_row.low) == pytest.approx(np.sqrt(6), rel=0.15)


def test_nothing_to_tell_apart():
    with pytest.raises(ValueError, match="at least one"):
        auc(np.array([]), np.array([]), [], EVALUATION)
