"""Dose and response: how good answers are, against the marks of the reasons that they rest on.

Shapes: P answers, S samples, K columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.measures import MEASURES, columns
from occpred.evaluation.scores import Floats, Scores
from occpred.findings import FEWEST_PERSONS, DosePoint, DoseResponse
from occpred.records import Estimate

MEAN_MARK = "mean"
"""The criterion that is the mean of all others."""
RESPONSES = ("acc_em", "mrr")
"""Measures that are held against marks."""
_SAME = 1e-12
"""A variance of marks below this is rounding."""


@dataclass(frozen=True)
class MarkedAnswers:
    """Answers with the marks of their reasons, P of each.

    Attributes:
        mark_P: mark of the reason.
        response_P: what the answer earned, in the units of the metric.
        example_ids: which example was answered; it repeats where there are several seeds or reasons.
        person_ids: about whom.
    """

    mark_P: Floats
    response_P: Floats
    example_ids: Sequence[str]
    person_ids: Sequence[str]


def dose_responses(scores: Scores, marks: Mapping[str, Floats], evaluation: Evaluation) -> list[DoseResponse]:
    """Hold AccEM and MRR against every criterion and against the mean of all.

    Args:
        scores: the answers, those of several runs pooled.
        marks: for each criterion the marks of the reasons, (P,), in the order of the answers; NaN where a reason has
            none. An answer that lacks any mark is left out.
        evaluation: makes the intervals.

    Returns:
        Criterion by criterion, the mean last; without those whose marks are all the same.
    """
    by_criterion = {**marks, MEAN_MARK: np.mean(list(marks.values()), axis=0)}
    judged = _judged(marks)
    example_ids, person_ids = ([ids[row] for row in judged] for ids in (scores.example_ids, scores.person_ids))
    responses = {name: MEASURES[name].value(columns(name, scores))[judged] for name in RESPONSES}
    found = [
        dose_response(MarkedAnswers(mark_P[judged], response_P, example_ids, person_ids), criterion, name, evaluation)
        for criterion, mark_P in by_criterion.items()
        for name, response_P in responses.items()
    ]
    return [each for each in found if each is not None]


def judged_persons(scores: Scores, marks: Mapping[str, Floats]) -> int:
    """How many persons `dose_responses` of the same arguments rests on."""
    return len({scores.person_ids[row] for row in _judged(marks)})


def _judged(marks: Mapping[str, Floats]) -> list[int]:
    rows: list[int] = np.flatnonzero(~np.isnan(np.sum(list(marks.values()), axis=0))).tolist()
    return rows


def dose_response(answers: MarkedAnswers, criterion: str, metric: str, evaluation: Evaluation) -> DoseResponse | None:
    """Hold the answers against their marks; `None` where all marks are the same, or there are none.

    All intervals are by bootstrap over persons. What they show is association: people who are easier to predict may
    also be easier to reason about, which only the slope within examples leaves out.

    Args:
        answers: what is held against what.
        criterion: what the marks are of.
        metric: what the answers earned.
        evaluation: makes the intervals.
    """
    if len(answers.mark_P) == 0 or np.ptp(answers.mark_P) ** 2 <= _SAME:
        return None
    return DoseResponse(
        criterion=criterion,
        metric=metric,
        points=_points(answers, evaluation),
        slope=_slope(answers.mark_P, answers.response_P, answers.person_ids, evaluation),
        within=_within_slope(answers, evaluation),
    )


def _points(answers: MarkedAnswers, evaluation: Evaluation) -> tuple[DosePoint, ...]:
    """Mean response to the marks around each whole mark."""
    whole_P = np.floor(answers.mark_P + 0.5)
    points = []
    for whole in np.unique(whole_P):
        rows = np.flatnonzero(whole_P == whole).tolist()
        person_ids = [answers.person_ids[row] for row in rows]
        response = evaluation.estimate(answers.response_P[rows, None], person_ids, lambda means_SK: means_SK[:, 0])
        points.append(DosePoint(float(answers.mark_P[rows].mean()), response))
    return tuple(points)


def _slope(mark_P: Floats, response_P: Floats, person_ids: Sequence[str], evaluation: Evaluation) -> Estimate:
    """Least squares slope of the response on the mark. Draws of people whose marks are all the same have none."""
    # A slope does not depend on where 0 is; around the mean, squares round least.
    x_P, y_P = mark_P - mark_P.mean(), response_P - response_P.mean()

    def value(means_SK: Floats) -> Floats:
        x_S, y_S, xx_S, xy_S = means_SK.T
        return _ratio(xy_S - x_S * y_S, xx_S - x_S**2)

    return evaluation.estimate(np.stack([x_P, y_P, x_P**2, x_P * y_P], axis=1), person_ids, value)


def _within_slope(answers: MarkedAnswers, evaluation: Evaluation) -> Estimate | None:
    """The slope with an intercept for every example, from the examples that have unlike marks.

    Deviations from the example's own means carry it alone. Persons are drawn with all their examples, so these means
    are the same in every draw. `None` where too few persons have such an example.
    """
    example_P = np.unique(np.array(answers.example_ids), return_inverse=True)[1]
    x_P, y_P = (_deviations(values_P, example_P) for values_P in (answers.mark_P, answers.response_P))
    informative = np.flatnonzero(np.bincount(example_P, weights=x_P**2)[example_P] > _SAME).tolist()
    person_ids = [answers.person_ids[row] for row in informative]
    if len(set(person_ids)) < FEWEST_PERSONS:
        return None
    columns_PK = np.stack([x_P**2, x_P * y_P], axis=1)[informative]
    return evaluation.estimate(columns_PK, person_ids, lambda means_SK: _ratio(means_SK[:, 1], means_SK[:, 0]))


def _deviations(values_P: Floats, example_P: NDArray[np.int64]) -> Floats:
    means = np.bincount(example_P, weights=values_P) / np.bincount(example_P)
    deviations_P: Floats = values_P - means[example_P]
    return deviations_P


def _ratio(numerator_S: Floats, variance_S: Floats) -> Floats:
    missing_S = np.full_like(numerator_S, np.nan)
    return np.divide(numerator_S, variance_S, out=missing_S, where=variance_S > _SAME)
