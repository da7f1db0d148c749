"""Calibration: whether answers given with 70% confidence are right 70% of the time.

Shapes: P examples, B bins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from occpred.evaluation.scores import Floats, Scores
from occpred.records import CalibrationBin

BINS = 15
"""Equal-width bins of the top-1 confidence, as in Guo et al. 2017, "On Calibration of Modern Neural Networks"."""


def calibration_bins(scores: Scores) -> tuple[CalibrationBin, ...]:
    """The bins that hold examples, lowest confidence first.

    Of the `BINS` bins, the one numbered b from 0 reaches from above b / BINS up to (b + 1) / BINS.
    """
    member_PB = _members(scores)
    count_B = member_PB.sum(axis=0)
    sums = zip(scores.confidence_P @ member_PB, scores.acc_em_P @ member_PB, count_B, strict=True)
    return tuple(
        CalibrationBin(float(confidence / count), float(correct / count), int(count))
        for confidence, correct, count in sums
        if count
    )


def calibration_gaps(scores: Scores) -> Floats:
    """Each example's accuracy minus confidence in the column of its bin, (P, B), 0 elsewhere.

    The expected calibration error is the sum over bins of the absolute column means.
    """
    return _members(scores) * (scores.acc_em_P - scores.confidence_P)[:, None]


def calibration_slack(scores: Scores) -> Floats:
    """How far each answer may move the calibration error, (P,), the mean of which bounds the error of all.

    Within its bin an answer moves it by what its confidence is off. Where it may belong into the next bin, its whole
    gap may be missing in the one and stand in the other.
    """
    if scores.doubt is None:
        return np.zeros_like(scores.confidence_P)
    off_P = scores.doubt.confidence_P
    may_move_P = _bins(scores.confidence_P - off_P) != _bins(scores.confidence_P + off_P)
    return np.asarray(off_P + 2 * may_move_P * np.abs(scores.acc_em_P - scores.confidence_P))


def _members(scores: Scores) -> Floats:
    return np.eye(BINS)[_bins(scores.confidence_P)]


def _bins(confidence_P: Floats) -> NDArray[np.int64]:
    return np.clip(np.ceil(confidence_P * BINS).astype(np.int64) - 1, 0, BINS - 1)
