from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occpred.evaluation.agreement import agreements, ordinal_alpha
from occpred.findings import Agreement

MISSING = np.nan
marks = st.one_of(st.integers(1, 5).map(float), st.just(MISSING))


def test_alpha_by_hand():
    """Two raters: 1 and 1, 2 and 2, 1 and 3.

    Each mark as often as it was given: 3, 2 and 1 of 6. Distances, squared: from 1 to 2 (3 + 2 - 5/2)^2 = 6.25, from 1
    to 3 (3 + 2 + 1 - 4/2)^2 = 16, from 2 to 3 (2 + 1 - 3/2)^2 = 2.25. Found: 2 * 16 / 6 = 16/3. By chance:
    2 * (3 * 2 * 6.25 + 3 * 1 * 16 + 2 * 1 * 2.25) / (6 * 5) = 6.
    """
    assert ordinal_alpha(np.array([[1.0, 2, 1], [1, 2, 3]])) == pytest.approx(1 - 16 / 3 / 6)


def test_alpha_of_the_published_example():
    """Krippendorff 2011, "Computing Krippendorff's alpha-reliability", example C: four observers, twelve units."""
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, MISSING, MISSING, MISSING],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, MISSING, 3],
        [MISSING, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, MISSING],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, MISSING],
    ]
    assert ordinal_alpha(np.array(observers)) == pytest.approx(0.815, abs=5e-4)


def alpha_by_pairs(marks_RU):
    """The definition, pair by pair: within each reason, and among all marks that can be paired."""
    reasons = [[mark for mark in column if not np.isnan(mark)] for column in marks_RU.T]
    reasons = [given for given in reasons if len(given) > 1]
    pooled = [mark for given in reasons for mark in given]

    def distance(a, b):
        low, high = min(a, b), max(a, b)
        between = sum(low <= mark <= high for mark in pooled)
        return (between - (pooled.count(a) + pooled.count(b)) / 2) ** 2

    found = sum(distance(a, b) / (len(given) - 1) for given in reasons for a, b in permutations(given, 2)) / len(pooled)
    by_chance = sum(distance(a, b) for a, b in permutations(pooled, 2)) / (len(pooled) * (len(pooled) - 1))
    return 1 - found / by_chance


@settings(max_examples=40)
@given(st.lists(st.lists(marks, min_size=3, max_size=3), min_size=1, max_size=8))
def test_alpha_is_as_defined(columns):
    marks_RU = np.array(columns).T
    comparable = {mark for column in columns if sum(not np.isnan(m) for m in column) > 1 for mark in column}
    found = ordinal_alpha(marks_RU)
    if len({mark for mark in comparable if not np.isnan(mark)}) < 2:
        assert found is None
    else:
        assert found == pytest.approx(alpha_by_pairs(marks_RU))


def test_between_judges_and_within_each():
    ratings = [
        {"factuality": {"a": (5, 4, 5), "b": (5,)}, "utility": {"a": (1, 1)}},
        {"factuality": {"a": (3, 5), "b": (2,)}},
        {"factuality": {"a": (3, 3)}},
    ]
    between, within_a, within_b, utility = agreements(ratings)
    # Lower medians 5 and 5, 3 and 2; the third reason has one judge alone.
    assert (between.criterion, between.judge, between.raters, between.reasons) == ("factuality", "", 2, 2)
    assert (between.mean_spread, between.unanimous_share) == (0.5, 0.5)
    assert between.alpha == ordinal_alpha(np.array([[5.0, 3], [5, 2]]))
    # Spreads 1, 2 and 0; the third sample is missing twice.
    assert (within_a.judge, within_a.raters, within_a.reasons, within_a.mean_spread) == ("a", 3, 3, 1.0)
    assert within_a.unanimous_share == pytest.approx(1 / 3)
    assert within_a.alpha == ordinal_alpha(np.array([[5.0, 3, 3], [4, 5, 3], [5, MISSING, MISSING]]))
    # Judge b has one sample, and all that is comparable in utility is the same.
    assert within_b == Agreement("factuality", "b", raters=1, reasons=0)
    assert utility == Agreement("utility", "a", 2, 1, alpha=None, mean_spread=0.0, unanimous_share=1.0)


def test_judges_who_all_say_the_same_and_judges_who_say_nothing():
    perfect, *_ = agreements([{"utility": {"a": (mark,), "b": (mark,)}} for mark in (1, 3, 5)])
    assert (perfect.alpha, perfect.mean_spread, perfect.unanimous_share) == (1.0, 0.0, 1.0)
    assert agreements([]) == agreements([{}, {}]) == []
