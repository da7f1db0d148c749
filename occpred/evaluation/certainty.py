"""By how much a system's measures may be off at most, group by group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from occpred.evaluation.intervals import GROUPS, Mask
from occpred.evaluation.measures import MEASURES, Measure
from occpred.evaluation.scores import Scores
from occpred.findings import Certainty, LargestError
from occpred.rankings import Rankings


def certainty(rankings: Rankings, scores: Scores) -> Certainty | None:
    """Sum up what is certain of a system's answers and of its measures; `None` where every title was computed."""
    if rankings.certificate is None:
        return None
    epsilon, top = rankings.certificate.epsilon, rankings.certificate.top
    largest = max(float(each.unopened_share().max()) for each in rankings.for_each_reason())
    num_exact = int(np.isneginf(rankings.certificate.unopened).sum())
    return Certainty(epsilon, top, largest, num_exact, len(rankings.example_ids), tuple(_largest_errors(scores)))


def _largest_errors(scores: Scores) -> list[LargestError]:
    """For each group with examples, and each measure that `scores` allow, in the order of `MEASURES`."""
    masks = {group: mask(scores) for group, mask in GROUPS.items()}
    return [
        LargestError(group, name, _largest_error(measure, scores, mask_P))
        for group, mask_P in masks.items()
        if mask_P.any()
        for name, measure in MEASURES.items()
        if measure.columns(scores) is not None
    ]


def _largest_error(measure: Measure, scores: Scores, mask_P: Mask) -> float:
    if measure.slack is not None:
        return float(measure.slack(scores)[mask_P].mean())
    value = _value(measure, scores, mask_P)
    return max(abs(_value(measure, extreme, mask_P) - value) for extreme in _extremes(scores))


def _value(measure: Measure, scores: Scores, mask_P: Mask) -> float:
    columns_PK = measure.columns(scores)
    assert columns_PK is not None
    return float(measure.value(columns_PK[mask_P].mean(axis=0, keepdims=True))[0])


def _extremes(scores: Scores) -> Iterator[Scores]:
    """The best and the worst answers that are possible: measures without a slack of their own lie between theirs."""
    doubt = scores.doubt
    assert doubt
    for sign, rank_P in ((1, doubt.best_rank_P), (-1, doubt.worst_rank_P)):
        spread_P = None
        if scores.reason_spread_P is not None and doubt.reason_spread_P is not None:
            spread_P = scores.reason_spread_P - sign * doubt.reason_spread_P
        yield replace(
            scores, rank_P=rank_P, log_prob_P=scores.log_prob_P + sign * doubt.log_prob_P, reason_spread_P=spread_P
        )
