"""Correlations told from counts: against the libraries, and where they are not defined."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import cohen_kappa_score

from occpred.evaluation.correlation import pearson, quadratic_kappa, spearman
from occpred.evaluation.intervals import Evaluation

EVALUATION = Evaluation(bootstrap_samples=100)
MEASURES = {
    pearson: lambda x, y: pearsonr(x, y).statistic,
    spearman: lambda x, y: spearmanr(x, y).statistic,
    quadratic_kappa: lambda x, y: cohen_kappa_score(x, y, labels=[1, 2, 3, 4, 5], weights="quadratic"),
}


def names(size: int) -> list[str]:
    return [f"person {number}" for number in range(size)]


def test_by_hand():
    # x = 1, 1, 3, 3 and y = 1, 3, 3, 5: deviations -1 -1 1 1 and -2 0 0 2, covariance 4/4, variances 4/4 and 8/4.
    counts_SXY = np.array([[[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]])
    x_X, y_Y = np.array([1.0, 3.0]), np.array([1.0, 3.0, 5.0])
    assert pearson(counts_SXY, x_X, y_Y) == pytest.approx([1 / np.sqrt(2)])
    # Here ranks are as far apart as values.
    assert spearman(counts_SXY, x_X, y_Y) == pytest.approx([1 / np.sqrt(2)])
    # Squared differences 0, 4, 0, 4: mean 2. At random: variances 1 + 2 and (3 - 2) squared, 4.
    assert quadratic_kappa(counts_SXY, x_X, y_Y) == pytest.approx([1 / 2])


@pytest.mark.parametrize("measure", MEASURES)
@settings(max_examples=40)
@given(pairs=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=40))
def test_equal_to_the_libraries(measure, pairs):
    x_P, y_P = np.array(pairs).T
    found = EVALUATION.association(x_P.astype(float), y_P.astype(float), names(len(pairs)), measure)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both libraries warn of what is not defined
        expected = MEASURES[measure](x_P, y_P)
    if np.isnan(expected):
        assert found is None
    else:
        assert found.value == pytest.approx(expected)
        assert found.low <= found.high


@pytest.mark.parametrize("measure", MEASURES)
def test_the_same_number_everywhere_and_no_example_at_all(measure):
    same, other = np.full(5, 4.0), np.full(5, 2.0)
    assert EVALUATION.association(same, same, names(5), measure) is None
    assert EVALUATION.association(np.array([]), np.array([]), [], measure) is None
    if (
        measure is not quadratic_kappa
    ):  # two raters who always differ agree less than by chance only where chance varies
        assert EVALUATION.association(same, other, names(5), measure) is None
    else:
        assert EVALUATION.association(same, other, names(5), measure).value == 0


@pytest.mark.parametrize("measure", MEASURES)
def test_intervals_are_of_the_same_draws_as_all_others(measure):
    """Every draw of persons, made again here example by example and given to the library."""
    rng = np.random.default_rng(2)
    x_P = rng.integers(1, 6, 60)
    y_P = np.clip(x_P + rng.integers(-2, 3, 60), 1, 5)
    people = [f"{person:02d}" for person in rng.integers(0, 25, 60)]
    persons_P = np.unique(people, return_inverse=True)[1]
    count = persons_P.max() + 1
    drawing = np.random.default_rng(5)
    values = []
    for _ in range(100):
        rows = np.concatenate([np.flatnonzero(persons_P == person) for person in drawing.integers(count, size=count)])
        values.append(MEASURES[measure](x_P[rows], y_P[rows]))
    found = Evaluation(bootstrap_samples=100, seed=5).association(x_P.astype(float), y_P.astype(float), people, measure)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))
    assert found.n == 60
