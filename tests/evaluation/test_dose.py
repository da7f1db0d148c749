from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import linregress
from statsmodels.api import OLS

from occpred.evaluation.dose import MarkedAnswers, dose_response, dose_responses, judged_persons
from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.pooling import pool
from occpred.findings import FEWEST_PERSONS

EVALUATION = Evaluation(bootstrap_samples=100)
rows = st.lists(st.tuples(st.integers(1, 5).map(float), st.floats(0, 100)), min_size=2, max_size=30)


def answers(mark_P, response_P, example_ids=None, person_ids=None) -> MarkedAnswers:
    single = [f"{row}" for row in range(len(mark_P))]
    return MarkedAnswers(
        np.array(mark_P, float), np.array(response_P, float), example_ids or single, person_ids or single
    )


def respond(marked: MarkedAnswers, evaluation: Evaluation = EVALUATION):
    return dose_response(marked, "utility", "acc_em", evaluation)


def several_seeds(examples: int, seeds: int, seed: int = 0) -> MarkedAnswers:
    """Easy examples have good reasons, too; for one and the same example, 2 points more for each mark."""
    rng = np.random.default_rng(seed)
    ease = np.tile(rng.normal(size=examples), seeds)
    mark_P = np.clip(np.round(3 + ease + rng.normal(size=examples * seeds)), 1, 5)
    response_P = 40 + 20 * ease + 2 * mark_P + rng.normal(size=examples * seeds)
    return answers(
        mark_P,
        response_P,
        [f"{row}" for row in range(examples)] * seeds,
        [f"{row // 2}" for row in range(examples)] * seeds,
    )


def test_by_hand():
    dose = respond(answers([1, 1, 2, 4], [0, 20, 20, 60]))
    # Deviations: -1, -1, 0, 2 and -25, -5, -5, 35; products 25 + 5 + 0 + 70 = 100; squares 1 + 1 + 0 + 4 = 6.
    assert dose.slope.value == pytest.approx(100 / 6)
    assert (dose.criterion, dose.metric, dose.slope.n, dose.within) == ("utility", "acc_em", 4, None)
    assert [(point.mark, point.response.value, point.response.n) for point in dose.points] == [
        (1, 10, 2),
        (2, 20, 1),
        (4, 60, 1),
    ]


def test_points_gather_marks_around_a_whole_one():
    points = respond(answers([1.5, 2, 7 / 3, 8 / 3, 3], [0, 30, 60, 10, 20])).points
    assert [(point.mark, point.response.value) for point in points] == [
        (pytest.approx((1.5 + 2 + 7 / 3) / 3), pytest.approx(30)),
        (pytest.approx((8 / 3 + 3) / 2), pytest.approx(15)),
    ]


@settings(max_examples=30)
@given(rows)
def test_slope_is_that_of_scipy(pairs):
    mark_P, response_P = np.array(pairs).T
    assume(np.ptp(mark_P) > 0)
    found = respond(answers(mark_P, response_P)).slope.value
    assert found == pytest.approx(linregress(mark_P, response_P).slope, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_slope_within_examples_is_that_of_dummies(seed):
    marked = several_seeds(80, 3, seed)
    dummies = np.array(marked.example_ids)[:, None] == np.unique(marked.example_ids)
    fit = OLS(marked.response_P, np.column_stack([marked.mark_P, dummies.astype(float)])).fit()
    assert respond(marked).within.value == pytest.approx(fit.params[0])


def test_the_slope_within_examples_leaves_out_that_some_are_easier():
    dose = respond(several_seeds(300, 3))
    assert dose.within.low < 2 < dose.within.high
    assert dose.slope.low > 5


def test_a_slope_within_examples_needs_enough_people_with_unlike_marks():
    def alike(unlike: int) -> MarkedAnswers:
        ids = [f"{row}" for row in range(40)] * 2
        return answers([3] * 40 + [4] * unlike + [3] * (40 - unlike), np.arange(80), ids, ids)

    assert respond(alike(FEWEST_PERSONS - 1)).within is None
    within = respond(alike(FEWEST_PERSONS)).within
    assert (within.value, within.n) == (pytest.approx(40), 2 * FEWEST_PERSONS)


def test_people_who_repeat_make_intervals_wider():
    rng = np.random.default_rng(0)
    mark_P, response_P = np.repeat(rng.integers(1, 6, 60), 5), np.repeat(rng.normal(size=60), 5)
    people = np.repeat([f"{person}" for person in range(60)], 5).tolist()
    evaluation = Evaluation(bootstrap_samples=1000)
    by_person, by_row = (respond(answers(mark_P, response_P, None, ids), evaluation).slope for ids in (people, None))
    assert by_person.value == pytest.approx(by_row.value)
    assert (by_person.high - by_person.low) / (by_row.high - by_row.low) == pytest.approx(np.sqrt(5), rel=0.15)


def test_draws_without_a_slope_are_left_out():
    """Half of the draws from two people hold only one of them."""
    slope = respond(answers([1, 2], [10, 30])).slope
    assert (slope.low, slope.value, slope.high) == pytest.approx((20, 20, 20))


@pytest.mark.parametrize("mark", [1.0, 13 / 3])
def test_equal_marks_give_no_slope(mark):
    assert respond(answers([mark] * 5, range(5))) is None
    assert respond(answers([], [])) is None


def test_scores_against_all_criteria_and_their_mean(answered):
    scores = pool([answered([1, 2, 4]), answered([1, 1, 2])])
    missing = np.nan
    marks = {
        "factuality": np.array([5.0, 3, 2, 5, 4, missing]),
        "coherence": np.array([3.0, 3, 3, 3, 3, 1]),
        "utility": np.array([4.0, 3, 1, 5, 5, 2]),
    }
    found = dose_responses(scores, marks, EVALUATION)
    # Where the last answer is left out, all reasons are equally coherent.
    assert [(dose.criterion, dose.metric) for dose in found] == [
        (criterion, metric) for criterion in ("factuality", "utility", "mean") for metric in ("acc_em", "mrr")
    ]
    mean_P = (marks["factuality"] + marks["coherence"] + marks["utility"])[:5] / 3
    assert found[4].slope.value == pytest.approx(linregress(mean_P, [100, 0, 0, 100, 100]).slope)
    assert found[5].slope.value == pytest.approx(linregress(mean_P, [1, 1 / 2, 1 / 4, 1, 1]).slope)
    assert found[4].slope.n == 5
    assert judged_persons(scores, marks) == 3
    assert judged_persons(answered([1, 2]), {"utility": np.array([missing, 1])}) == 1
