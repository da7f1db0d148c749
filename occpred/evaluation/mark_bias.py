"""Whether marks follow what they should not: how long a reason is, and which candidate it was.

Shapes: P reasons, G groups of reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from occpred.evaluation.correlation import spearman
from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.scores import Floats
from occpred.findings import MarkTrend, TrendPoint

LENGTHS = 8
"""Groups of about as many reasons each that lengths are gathered in."""


def length_trends(
    marks: Mapping[str, Floats], words_P: Floats, person_ids: Sequence[str], evaluation: Evaluation
) -> list[MarkTrend]:
    """Hold the marks of each criterion against the number of words.

    Args:
        marks: for each criterion the marks of the reasons, (P,); at least one reason.
        words_P: how long each reason is.
        person_ids: about whom each reason is.
        evaluation: makes the intervals, by bootstrap over persons.
    """
    ends_G = np.unique(np.quantile(words_P, np.arange(1, LENGTHS) / LENGTHS, method="inverted_cdf"))
    group_P = np.searchsorted(ends_G, words_P)
    return [_trend(name, mark_P, words_P, group_P, person_ids, evaluation) for name, mark_P in marks.items()]


def candidate_trends(
    marks: Mapping[str, Floats], candidate_P: Floats, person_ids: Sequence[str], evaluation: Evaluation
) -> list[MarkTrend]:
    """Hold the marks of each criterion against the candidate's number.

    Candidates that were proposed together differ by chance alone, so a trend is a bias of teacher or judge. Where they
    were proposed one by one until enough were kept, later ones are about people with whom earlier ones failed.

    Args:
        marks: for each criterion the marks of the reasons, (P,); at least one reason.
        candidate_P: each reason's number among its example's.
        person_ids: about whom each reason is.
        evaluation: makes the intervals, by bootstrap over persons.
    """
    group_P = np.unique(candidate_P, return_inverse=True)[1]
    return [_trend(name, mark_P, candidate_P, group_P, person_ids, evaluation) for name, mark_P in marks.items()]


def _trend(
    criterion: str,
    mark_P: Floats,
    place_P: Floats,
    group_P: NDArray[np.int64],
    person_ids: Sequence[str],
    evaluation: Evaluation,
) -> MarkTrend:
    points = []
    for group in np.unique(group_P):
        rows = np.flatnonzero(group_P == group).tolist()
        mark = evaluation.estimate(
            mark_P[rows, None], [person_ids[row] for row in rows], lambda means_SK: means_SK[:, 0]
        )
        points.append(TrendPoint(float(place_P[rows].mean()), mark))
    return MarkTrend(criterion, evaluation.association(place_P, mark_P, person_ids, spearman), tuple(points))
