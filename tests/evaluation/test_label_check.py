from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.label_check import label_agreement

EVALUATION = Evaluation(bootstrap_samples=100)


def names(size: int) -> list[str]:
    return [f"person {number}" for number in range(size)]


def test_by_hand():
    found = label_agreement("utility", [1, 1, 3, 3], [1, 3, 3, 5], names(4), EVALUATION)
    assert (found.criterion, found.count) == ("utility", 4)
    # Deviations -1 -1 1 1 and -2 0 0 2; squared differences 0 4 0 4 where chance would give 1 + 2 + 1.
    assert (found.pearson.value, found.kappa.value) == pytest.approx((1 / np.sqrt(2), 1 - 2 / 4))
    assert found.confusion == (
        (1, 0, 1, 0, 0),
        (0, 0, 0, 0, 0),
        (0, 0, 1, 0, 1),
        (0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0),
    )


def test_equal_to_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 6, 100)
    marks = np.clip(labels + rng.integers(-1, 2, 100), 1, 5)
    found = label_agreement("factuality", labels.tolist(), marks.tolist(), names(100), EVALUATION)
    assert found.kappa.value == pytest.approx(
        cohen_kappa_score(labels, marks, labels=[1, 2, 3, 4, 5], weights="quadratic")
    )
    assert np.array_equal(found.confusion, confusion_matrix(labels, marks, labels=[1, 2, 3, 4, 5]))
    assert found.kappa.low < found.kappa.value < found.kappa.high


def test_a_judge_who_always_says_the_same_agrees_as_chance_does():
    found = label_agreement("coherence", [1, 3, 5], [4, 4, 4], names(3), EVALUATION)
    assert (found.pearson, found.spearman) == (None, None)
    assert found.kappa.value == pytest.approx(0)


def test_without_labels_nothing_is_made_up():
    found = label_agreement("coherence", [], [], [], EVALUATION)
    assert (found.count, found.pearson, found.spearman, found.kappa) == (0, None, None, None)
    assert np.sum(found.confusion) == 0


def test_as_many_marks_as_labels():
    with pytest.raises(ValueError, match="argument"):
        label_agreement("coherence", [1, 2], [1], names(2), EVALUATION)
