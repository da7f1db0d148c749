from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.mark_bias import LENGTHS, candidate_trends, length_trends

EVALUATION = Evaluation(bootstrap_samples=100)


def names(size: int) -> list[str]:
    return [f"person {number}" for number in range(size)]


def test_candidates_by_hand():
    marks = {"utility": np.array([5.0, 3, 4, 2, 1]), "coherence": np.full(5, 4.0)}
    utility, coherence = candidate_trends(marks, np.array([0.0, 1, 0, 1, 3]), ["a", "a", "b", "b", "b"], EVALUATION)
    assert [(point.place, point.mark.value, point.mark.n) for point in utility.points] == [
        (0, 4.5, 2),
        (1, 2.5, 2),
        (3, 1, 1),
    ]
    # Ranks of candidates 1.5 3.5 1.5 3.5 5 and of marks 5 3 4 2 1: squares around 3 are 9 and 10, products -9.
    assert utility.correlation.value == pytest.approx(-9 / np.sqrt(9 * 10))
    assert utility.correlation.n == 5
    assert coherence.correlation is None
    assert [point.mark.value for point in coherence.points] == [4, 4, 4]


def test_length_is_spearman_and_found_where_it_is():
    rng = np.random.default_rng(0)
    words_P = rng.integers(20, 200, 600).astype(float)
    marks = {
        "factuality": np.clip(np.round(words_P / 45 + rng.normal(size=600)), 1, 5),
        "utility": rng.integers(1, 6, 600).astype(float),
    }
    people = np.repeat(names(200), 3).tolist()
    factuality, utility = length_trends(marks, words_P, people, EVALUATION)
    for trend in (factuality, utility):
        assert trend.correlation.value == pytest.approx(spearmanr(words_P, marks[trend.criterion]).statistic)
    assert factuality.correlation.low > 0.5
    assert utility.correlation.low < 0 < utility.correlation.high


def test_lengths_are_gathered_in_groups_of_about_as_many():
    rng = np.random.default_rng(1)
    words_P = rng.integers(20, 200, 800).astype(float)
    (trend,) = length_trends({"utility": words_P}, words_P, names(800), EVALUATION)
    assert len(trend.points) == LENGTHS
    assert all(80 <= point.mark.n <= 120 for point in trend.points)
    # The marks are the lengths themselves, so each point lies on the diagonal; no reason is lost.
    assert [point.mark.value for point in trend.points] == pytest.approx([point.place for point in trend.points])
    assert sum(point.mark.n for point in trend.points) == 800
    assert sorted(trend.points, key=lambda point: point.place) == list(trend.points)


def test_equal_lengths_are_one_group_and_no_correlation():
    (trend,) = length_trends({"utility": np.array([1.0, 5, 3])}, np.full(3, 40.0), names(3), EVALUATION)
    assert trend.correlation is None
    assert [(point.place, point.mark.value) for point in trend.points] == [(40, 3)]


def test_people_who_repeat_make_intervals_wider():
    rng = np.random.default_rng(3)
    words_P, mark_P = (np.repeat(rng.integers(1, 6, 60), 5).astype(float) for _ in range(2))
    evaluation = Evaluation(bootstrap_samples=1000)
    by_person, by_row = (
        length_trends({"utility": mark_P}, words_P, people, evaluation)[0].correlation
        for people in (np.repeat(names(60), 5).tolist(), names(300))
    )
    assert by_person.value == pytest.approx(by_row.value)
    assert (by_person.high - by_person.low) / (by_row.high - by_row.low) == pytest.approx(np.sqrt(5), rel=0.15)
