from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.evaluation.calibration import BINS, calibration_bins, calibration_gaps
from occpred.evaluation.scores import Scores


def answers(confidence, correct) -> Scores:
    size = len(confidence)
    empty = np.zeros(size)
    names = tuple(map(str, range(size)))
    scores = Scores(names, names, empty.astype(bool), empty.astype(np.int64), empty, empty, empty, empty, empty)
    return dataclasses.replace(scores, confidence_P=np.array(confidence), acc_em_P=np.array(correct, dtype=np.float64))


def naive_error(confidence, correct) -> float:
    """Bin by bin, answer by answer."""
    error = 0.0
    for index in range(BINS):
        inside = [row for row, value in enumerate(confidence) if index / BINS < value <= (index + 1) / BINS]
        if inside:
            accuracy = sum(correct[row] for row in inside) / len(inside)
            mean = sum(confidence[row] for row in inside) / len(inside)
            error += len(inside) / len(confidence) * abs(accuracy - mean)
    return error


def test_bins_by_hand():
    first, second = calibration_bins(answers([0.70, 0.72, 0.95], [1, 0, 1]))
    assert (first.confidence, first.accuracy, first.count) == (pytest.approx(0.71), 0.5, 2)
    assert (second.confidence, second.accuracy, second.count) == (pytest.approx(0.95), 1.0, 1)


def test_error_by_hand():
    gaps_PB = calibration_gaps(answers([0.70, 0.72, 0.95], [1, 0, 1]))
    # 2/3 * |0.5 - 0.71| + 1/3 * |1 - 0.95|
    assert np.abs(gaps_PB.mean(axis=0)).sum() == pytest.approx(2 / 3 * 0.21 + 1 / 3 * 0.05)


def test_certainty_falls_into_the_last_bin():
    assert calibration_gaps(answers([1.0], [0]))[0, BINS - 1] == -1


@given(st.lists(st.tuples(st.floats(0.001, 1), st.booleans()), min_size=1, max_size=40))
def test_equal_to_the_naive_error(rows):
    # Values on an edge fall by rounding to either side; those are worked by hand above.
    rows = [(value, right) for value, right in rows if abs(value * BINS - round(value * BINS)) > 1e-9]
    confidence, correct = [value for value, _ in rows], [right for _, right in rows]
    scores = answers(confidence, correct)
    if rows:
        assert np.abs(calibration_gaps(scores).mean(axis=0)).sum() == pytest.approx(naive_error(confidence, correct))
    assert sum(bin.count for bin in calibration_bins(scores)) == len(rows)
