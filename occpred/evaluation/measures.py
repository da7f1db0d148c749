"""The catalogue of measures, in the order of every table.

Each is a function of the mean of some columns over the examples. So a bootstrap sample of persons needs only each
person's column sums, and means, perplexity and calibration error all take the same road.

Shapes: P examples, K columns, S samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from occpred.evaluation.calibration import BINS, calibration_gaps, calibration_slack
from occpred.evaluation.scores import Floats, FreeTextScores, Scores

Columns = Callable[[Scores], Floats | None]


@dataclass(frozen=True)
class Measure:
    """One way to sum up scores.

    Attributes:
        label: its name in tables.
        explanation: what it is, for readers of a table.
        percent: whether it runs from 0 to 100, in percent.
        higher_is_better: which way is better.
        columns: what to average, (P, K); `None` where the system did not give such answers.
        value: from means, (S, K), to the measure, (S,).
        slack: how far answers in doubt may move the measure, (P,), of which the mean counts; `None` for a measure that
            is the better, the better the answers are.
    """

    label: str
    explanation: str
    percent: bool
    higher_is_better: bool
    columns: Columns
    value: Callable[[Floats], Floats]
    slack: Callable[[Scores], Floats] | None = None


def _mean(means_SK: Floats) -> Floats:
    return means_SK[:, 0]


def _hundredfold(means_SK: Floats) -> Floats:
    return 100 * means_SK[:, 0]


def _share(
    label: str, explanation: str, row: Callable[[Scores], NDArray[np.generic] | None], *, percent: bool
) -> Measure:
    return Measure(
        label,
        explanation,
        percent=percent,
        higher_is_better=True,
        columns=lambda scores: _column(row(scores)),
        value=_hundredfold if percent else _mean,
    )


_fraction = partial(_share, percent=False)
_percent = partial(_share, percent=True)


def _free_text(
    label: str, explanation: str, row: Callable[[FreeTextScores], Floats | None], higher_is_better: bool
) -> Measure:
    def written(scores: Scores) -> Floats | None:
        return None if scores.free_text is None else _column(row(scores.free_text))

    return Measure(
        label, explanation, percent=True, higher_is_better=higher_is_better, columns=written, value=_hundredfold
    )


def _column(values_P: NDArray[np.generic] | None) -> Floats | None:
    return None if values_P is None else values_P.astype(np.float64)[:, None]


def _recall(k: int) -> Measure:
    explanation = f"Share of answers that rank the true occupation among the first {k} (the hit rate HR@{k})."
    return _fraction(f"Recall@{k}", explanation, lambda scores: scores.rank_P <= k)


def _reciprocal_rank(scores: Scores) -> Floats:
    return 1 / scores.rank_P


def _discounted_gain(scores: Scores) -> Floats:
    # One occupation is relevant, so the ideal gain is that of rank 1: 1 / log2(2) = 1.
    return 1 / np.log2(1 + scores.rank_P)


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "acc_em": _percent(
            "AccEM",
            "Share of answers whose first-ranked title is exactly the true one.",
            lambda scores: scores.acc_em_P,
        ),
        "acc_rm": _percent(
            "AccRM",
            "As AccEM, but the k-th of the titles that the taxonomy relates to the true one earns 1 / (1 + k).",
            lambda scores: scores.acc_rm_P,
        ),
        "recall@1": _recall(1),
        "recall@5": _recall(5),
        "recall@10": _recall(10),
        "mrr": _fraction("MRR", "Mean of 1 / rank of the true occupation.", _reciprocal_rank),
        "mrr@5": _fraction(
            "MRR@5",
            "As MRR, but ranks beyond 5 earn nothing.",
            lambda scores: _reciprocal_rank(scores) * (scores.rank_P <= 5),
        ),
        "ndcg@10": _fraction(
            "NDCG@10",
            "Mean of 1 / log2(1 + rank of the true occupation); ranks beyond 10 earn nothing.",
            lambda scores: _discounted_gain(scores) * (scores.rank_P <= 10),
        ),
        "major_group_accuracy": _percent(
            "Major group",
            "Share of answers whose first-ranked occupation is of the true one's major group.",
            lambda scores: scores.major_group_P,
        ),
        "perplexity": Measure(
            "Perplexity",
            "e to the mean negative log-probability of the true occupation among all candidates: 1 is certainty, the "
            "number of candidates a blind guess.",
            percent=False,
            higher_is_better=False,
            columns=lambda scores: _column(scores.log_prob_P),
            value=lambda means_SK: np.exp(-_mean(means_SK)),
        ),
        "ece": Measure(
            "ECE",
            "Expected calibration error: how far the probability of the first-ranked occupation is from how often it "
            f"is right, on average over {BINS} bins of that probability.",
            percent=False,
            higher_is_better=False,
            columns=calibration_gaps,
            value=lambda means_SK: np.abs(means_SK).sum(axis=1),
            slack=calibration_slack,
        ),
        "reason_spread": Measure(
            "Spread over reasons",
            "Standard deviation of the true occupation's probability over the reasons of one answer, on average.",
            percent=False,
            higher_is_better=False,
            columns=lambda scores: _column(scores.reason_spread_P),
            value=_mean,
        ),
        "invalid": _free_text(
            "Invalid",
            "Share of freely written answers that are no title of the taxonomy.",
            lambda texts: texts.invalid_P,
            higher_is_better=False,
        ),
        "acc_em_free_text": _free_text(
            "AccEM, free text",
            "AccEM of the title that the model writes freely.",
            lambda texts: texts.acc_em_P,
            higher_is_better=True,
        ),
        "acc_rm_free_text": _free_text(
            "AccRM, free text",
            "AccRM of the title that the model writes freely.",
            lambda texts: texts.acc_rm_P,
            higher_is_better=True,
        ),
    }
)
"""All measures by name. Recall@k is the hit rate HR@k, as one occupation is relevant."""


def is_known(measure: str, *systems: Scores) -> bool:
    """Whether each of `systems` gave answers for `measure`, a key of `MEASURES`."""
    return all(MEASURES[measure].columns(scores) is not None for scores in systems)


def columns(measure: str, scores: Scores) -> Floats:
    """What `measure`, a key of `MEASURES`, averages, (P, K).

    Raises:
        ValueError: the system did not give such answers.
    """
    columns_PK = MEASURES[measure].columns(scores)
    if columns_PK is None:
        raise ValueError(f"a system has no answers for {measure}")
    return columns_PK
