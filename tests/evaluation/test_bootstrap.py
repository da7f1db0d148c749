from __future__ import annotations

import numpy as np
import pytest

from occpred.evaluation.bootstrap import bootstrap_counts, bootstrap_means


def test_the_first_mean_is_of_the_examples_themselves():
    columns_PK = np.array([[1.0, 10.0], [2.0, 20.0], [6.0, 60.0]])
    means_SK = bootstrap_means(columns_PK, ["ann", "ann", "bob"], samples=5, seed=0)
    assert means_SK.shape == (6, 2)
    np.testing.assert_allclose(means_SK[0], [3, 30])


def test_a_person_brings_all_examples_along():
    columns_PK = np.array([[0.0], [1.0], [1.0], [0.0]])
    means = bootstrap_means(columns_PK, ["ann", "bob", "bob", "ann"], samples=200, seed=0)[1:, 0]
    # Two people are drawn: Ann twice, one of each, or Bob twice.
    assert set(means) == {0.0, 0.5, 1.0}


def test_means_are_of_pooled_examples():
    columns_PK = np.array([[1.0], [0.0], [0.0]])
    means = bootstrap_means(columns_PK, ["ann", "bob", "bob"], samples=200, seed=0)[1:, 0]
    # Ann and Bob together are three examples, so a third and not half.
    np.testing.assert_allclose(np.unique(means), [0, 1 / 3, 1])


def test_equal_to_drawing_rows_one_by_one():
    rng = np.random.default_rng(1)
    person_ids = [f"p{person}" for person in rng.integers(9, size=30)]
    columns_PK = rng.normal(size=(30, 3))
    names = sorted(set(person_ids))
    drawing = np.random.default_rng(7)
    means_SK = bootstrap_means(columns_PK, person_ids, samples=20, seed=7)
    for mean_K in means_SK[1:]:
        drawn = [names[index] for index in drawing.integers(len(names), size=len(names))]
        rows = [columns_PK[row] for name in drawn for row, person in enumerate(person_ids) if person == name]
        np.testing.assert_allclose(mean_K, np.mean(rows, axis=0))


def test_people_who_repeat_make_intervals_wider():
    """Fifty people with ten equal examples each are fifty facts, not five hundred."""
    answers = np.random.default_rng(0).integers(2, size=50).astype(float)
    columns_PK = np.repeat(answers, 10)[:, None]
    people = np.repeat([f"p{person}" for person in range(50)], 10)
    by_person = bootstrap_means(columns_PK, list(people), samples=2000, seed=0)[1:].std()
    by_row = bootstrap_means(columns_PK, [f"r{row}" for row in range(500)], samples=2000, seed=0)[1:].std()
    assert by_person / by_row == pytest.approx(np.sqrt(10), rel=0.1)


def test_spread_is_that_of_the_mean():
    values = np.random.default_rng(0).normal(size=400)
    means = bootstrap_means(values[:, None], [str(row) for row in range(400)], samples=4000, seed=3)[1:, 0]
    assert means.std() == pytest.approx(values.std() / 20, rel=0.05)


def test_the_seed_decides():
    columns_PK = np.arange(8.0)[:, None]
    people = [str(row) for row in range(8)]
    first, again, other = (bootstrap_means(columns_PK, people, samples=50, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_counts_of_cells_are_sums_over_the_same_draws():
    rng = np.random.default_rng(4)
    cells_P, person_ids = rng.integers(0, 3, 30), [f"p{person}" for person in rng.integers(9, size=30)]
    counts_SK = bootstrap_counts(cells_P, 4, person_ids, samples=20, seed=7)
    np.testing.assert_array_equal(counts_SK[0], np.bincount(cells_P, minlength=4))
    means_SK = bootstrap_means(np.eye(4)[cells_P], person_ids, samples=20, seed=7)
    np.testing.assert_allclose(counts_SK / counts_SK.sum(axis=1, keepdims=True), means_SK)
