"""Calibration: whether answers given with 70% confidence are right 70% of the time.

Shapes: P examples, B bins.
"""

from __future__ import annotations

import numpy as np

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


def _members(scores: Scores) -> Floats:
    bins_P = np.clip(np.ceil(scores.confidence_P * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return np.eye(BINS)[bins_P]
