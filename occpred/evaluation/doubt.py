"""How far answers, and the measures made of them, may be off where not all titles were computed.

A certified ranking knows the target and the first ten titles exactly, so what rests on these alone is exact: AccEM,
AccRM, the major group, Recall@k, MRR@5, NDCG@10. What rests on the rank of a target beyond them (MRR) lies between what
the best and the worst rank give. What rests on the sum over all titles (perplexity, calibration, the spread over
reasons) is off by what is unknown of that sum. The ends of the interval of a mean move by no more than the answer that
is most in doubt; p-values are those of the values shown.

Shapes: P examples, C occupations, R reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from occpred.rankings import Certificate, Floats, Ints, Rankings, rank_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Doubt:
    """Bounds on what may be wrong with each answer.

    Attributes:
        best_rank_P, worst_rank_P: between which the rank of the target lies, from 1.
        log_prob_P: by how much the log-probability of the target among the closed set may be off.
        confidence_P: by how much the probability of the top-ranked occupation may be off.
        reason_spread_P: by how much the spread over reasons may be off; `None` where there is none.
    """

    best_rank_P: Ints
    worst_rank_P: Ints
    log_prob_P: Floats
    confidence_P: Floats
    reason_spread_P: Floats | None = None


def doubt_about(rankings: Rankings, targets_P: Ints) -> Doubt | None:
    """Work out the bounds; `None` where everything was computed.

    Args:
        rankings: the answers.
        targets_P: the column of each target.

    Raises:
        ValueError: a target, or the first of an answer, was not computed: the answers were certified for other targets.
    """
    certificate = rankings.certificate
    if certificate is None:
        return None
    known_PC = certificate.upper <= rankings.log_probs_PC
    rows_P, top_P = np.arange(len(targets_P)), rankings.order()[:, 0]
    if not (known_PC[rows_P, targets_P].all() and known_PC[rows_P, top_P].all()):
        raise ValueError("the rankings were certified for other targets")
    best_P, worst_P = rank_bounds(certificate.upper, known_PC, targets_P)
    return Doubt(
        best_rank_P=best_P,
        worst_rank_P=worst_P,
        log_prob_P=np.log1p(_relative_error(rankings, certificate)),
        confidence_P=_share_error(rankings, top_P),
        reason_spread_P=_spread_error(rankings, targets_P),
    )


def _relative_error(rankings: Rankings, certificate: Certificate) -> Floats:
    """By what part of itself a known title's share of the sum of all titles may be off, (P,).

    The sum z we have may be off by h, half of what is unopened, either way: p / z lies between p / (z + h) and
    p / (z - h), which is 1 + h / (z - h) times as much.
    """
    half_share_P = np.exp(certificate.unopened - np.logaddexp.reduce(rankings.log_probs_PC, axis=1)) / 2
    return np.asarray(half_share_P / (1 - half_share_P))


def _share_error(rankings: Rankings, columns_P: NDArray[np.int64]) -> Floats:
    certificate = rankings.certificate
    assert certificate
    shares_P = np.exp(rankings.normalised()[np.arange(len(columns_P)), columns_P])
    return np.asarray(shares_P * _relative_error(rankings, certificate))


def _spread_error(rankings: Rankings, targets_P: NDArray[np.int64]) -> Floats | None:
    """A standard deviation changes by no more than the root mean square of what changes."""
    if rankings.certificate_by_reason is None:
        return None
    errors_RP = np.stack([_share_error(each, targets_P) for each in rankings.for_each_reason()])
    return np.asarray(np.sqrt((errors_RP**2).mean(axis=0)))
