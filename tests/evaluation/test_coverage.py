"""What intervals and tests promise, held against simulated studies whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from occpred.evaluation.auc import auc
from occpred.evaluation.dose import MarkedAnswers, dose_response
from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.pooling import pool
from occpred.evaluation.significance import mcnemar, permutation_test

PERSONS, SEEDS, STUDIES, STUDIES_BY_ROW = 150, 3, 1000, 200
PEOPLE = [f"person {number}" for number in range(PERSONS)] * SEEDS
ROWS = [f"row {number}" for number in range(PERSONS * SEEDS)]
EVALUATION = Evaluation(bootstrap_samples=500)


def right_answers(rng: np.random.Generator) -> np.ndarray:
    """Of each person in each seed: people differ in how easy they are, and half of the answers are right at length."""
    return (rng.random(PERSONS * SEEDS) < np.tile(rng.beta(0.5, 0.5, PERSONS), SEEDS)).astype(float)


def mean(rng):
    columns_PK = right_answers(rng)[:, None]
    return lambda units: EVALUATION.estimate(columns_PK, units, lambda means_SK: means_SK[:, 0])


def difference(rng):
    """Of two systems that find the same people easy, up to a point, and are equally good."""
    shift = np.tile(rng.choice([-0.3, 0.3], PERSONS), SEEDS)
    ease = np.tile(rng.uniform(0.3, 0.7, PERSONS), SEEDS)
    a, b = (rng.random(PERSONS * SEEDS) < ease + sign * shift for sign in (1, -1))
    columns_PK = (a.astype(float) - b)[:, None]
    return lambda units: EVALUATION.estimate(columns_PK, units, lambda means_SK: means_SK[:, 0])


def slope(rng):
    """Of answers that do not depend on the marks, where both are alike over a person's seeds."""
    mark_P = np.tile(rng.choice([2.0, 4.0], PERSONS), SEEDS)
    response_P = right_answers(rng)
    return lambda units: dose_response(MarkedAnswers(mark_P, response_P, ROWS, units), "", "", EVALUATION).slope


def area(rng):
    """Of marks that are alike for a person's true and for a person's false texts, and tell nothing."""
    true_P, false_P = (np.tile(rng.integers(1, 6, PERSONS), SEEDS).astype(float) for _ in range(2))
    return lambda units: auc(true_P, false_P, units, EVALUATION)


@pytest.mark.slow
@pytest.mark.parametrize(("study", "truth"), [(mean, 0.5), (difference, 0.0), (slope, 0.0), (area, 0.5)])
def test_intervals_by_person_cover_the_truth_and_intervals_by_row_do_not(study, truth):
    def coverage(units: Sequence[str], studies: int) -> float:
        intervals = [study(np.random.default_rng([7, number]))(units) for number in range(studies)]
        return float(np.mean([interval.low <= truth <= interval.high for interval in intervals]))

    assert 0.93 <= coverage(PEOPLE, STUDIES) <= 0.97
    # Far off, so that fewer studies show it.
    assert coverage(ROWS, STUDIES_BY_ROW) < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("persons", [12, 60])
def test_tests_raise_no_more_false_alarms_than_they_admit(answered, persons):
    """Two systems that are equally good, with two seeds each; the same people are easy for both."""
    studies, level = 2000, 0.05
    alarms = np.zeros(3)
    for number in range(studies):
        rng = np.random.default_rng([8, number])
        ease = rng.beta(0.7, 0.7, persons)
        a, b = (
            pool([answered(np.where(rng.random(persons) < ease, 1, rng.integers(2, 9, persons))) for _ in range(2)])
            for _ in range(2)
        )
        once = (a.acc_em_P - b.acc_em_P)[:persons]
        found = (
            mcnemar(once, a.person_ids[:persons]),
            mcnemar(a.acc_em_P - b.acc_em_P, a.person_ids),
            permutation_test(1 / a.rank_P - 1 / b.rank_P, a.person_ids, permutations=500, seed=number),
        )
        alarms += [significance.p_value <= level for significance in found]
    # Two standard errors of a share of 2,000.
    assert (alarms / studies <= level + 2 * np.sqrt(level * (1 - level) / studies)).all()
    assert alarms[2] / studies > level / 2, "a test that never rings is no test"
