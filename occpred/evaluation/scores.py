"""How each single example was answered: the rows that every measure is computed from.

Shapes: P examples, C occupations in taxonomy order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from occpred.evaluation.doubt import Doubt, doubt_about
from occpred.evaluation.matching import exact_match, related_match, related_titles
from occpred.rankings import Rankings
from occpred.records import NextOccupationExample

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FreeTextScores:
    """What the freely written titles earn; `invalid_P` is 1 where the text is no official title of the taxonomy.

    `acc_rm_P` is `None` where the taxonomy relates no titles.
    """

    invalid_P: Floats
    acc_em_P: Floats
    acc_rm_P: Floats | None


@dataclass(frozen=True)
class Scores:
    """One system's answers, example by example.

    Attributes:
        example_ids, person_ids: P of each; a person may have several examples.
        is_move_P: whether the target differs from the last occupation (True where there is none).
        rank_P: rank of the target, from 1; ties are broken by taxonomy order.
        acc_em_P, acc_rm_P: what the top-ranked title earns, 0 to 1 (`matching.py`); the second is `None` where the
            taxonomy relates no titles, and would repeat the first.
        major_group_P: 1 where the top-ranked occupation is of the target's major group, else 0.
        log_prob_P: log-probability of the target among the closed set.
        confidence_P: probability of the top-ranked occupation among the closed set.
        reason_spread_P: standard deviation, over the reasons of an answer, of the target's probability among the closed
            set; `None` for a system with one reason an answer at most.
        free_text: scores of the freely written titles; `None` for a system that wrote none.
        doubt: how far the numbers may be off where not all titles were computed; `None` where they are exact.
    """

    example_ids: tuple[str, ...]
    person_ids: tuple[str, ...]
    is_move_P: NDArray[np.bool_]
    rank_P: NDArray[np.int64]
    acc_em_P: Floats
    acc_rm_P: Floats | None
    major_group_P: Floats
    log_prob_P: Floats
    confidence_P: Floats
    reason_spread_P: Floats | None = None
    free_text: FreeTextScores | None = None
    doubt: Doubt | None = None


def score(rankings: Rankings, examples: Sequence[NextOccupationExample], taxonomy: Taxonomy) -> Scores:
    """Compare `rankings` with what the people of `examples` really did.

    Raises:
        ValueError: the rankings are of other examples (or in another order), of other occupations, not finite, or
            certified for other targets.
        KeyError: a target is not in the taxonomy.
    """
    _check(rankings, examples, taxonomy)
    log_probs_PC, order_PC = rankings.normalised(), rankings.order()
    rows_P = np.arange(len(examples))
    targets_P = np.array([taxonomy.index(example.target_code) for example in examples], dtype=np.int64)
    top_P = order_PC[:, 0]
    target_titles = [taxonomy.occupations[target].title for target in targets_P]
    top_titles = [taxonomy.occupations[top].title for top in top_P]
    groups_C = np.array([taxonomy.major_group(code) for code in taxonomy.codes])
    acc_em_P, acc_rm_P = _matches(top_titles, target_titles, taxonomy)
    return Scores(
        example_ids=rankings.example_ids,
        person_ids=tuple(example.person_id for example in examples),
        is_move_P=np.array([example.is_move for example in examples], dtype=np.bool_),
        rank_P=1 + np.argmax(order_PC == targets_P[:, None], axis=1),
        acc_em_P=acc_em_P,
        acc_rm_P=acc_rm_P,
        major_group_P=(groups_C[top_P] == groups_C[targets_P]).astype(np.float64),
        log_prob_P=log_probs_PC[rows_P, targets_P],
        confidence_P=np.exp(log_probs_PC[rows_P, top_P]),
        reason_spread_P=_reason_spread(rankings, targets_P),
        free_text=_score_free_text(rankings.free_text, target_titles, taxonomy) if rankings.free_text else None,
        doubt=doubt_about(rankings, targets_P),
    )


def _reason_spread(rankings: Rankings, targets_P: NDArray[np.int64]) -> Floats | None:
    if rankings.log_probs_PRC is None:
        return None
    rows_P = np.arange(len(targets_P))
    given_RP = np.stack([np.exp(each.normalised()[rows_P, targets_P]) for each in rankings.for_each_reason()])
    return np.asarray(given_RP.std(axis=0))


def _check(rankings: Rankings, examples: Sequence[NextOccupationExample], taxonomy: Taxonomy) -> None:
    if rankings.codes != taxonomy.codes:
        raise ValueError(f"the rankings are over other occupations than those of {taxonomy.name}")
    if rankings.example_ids != tuple(example.example_id for example in examples):
        raise ValueError("the rankings are of other examples, or in another order")
    if not np.isfinite(rankings.log_probs_PC).all():
        raise ValueError("the rankings hold log-probabilities that are not finite")


def _score_free_text(texts: Sequence[str], true_titles: Sequence[str], taxonomy: Taxonomy) -> FreeTextScores:
    invalid_P = np.array([taxonomy.find_exact(text) is None for text in texts], dtype=np.float64)
    return FreeTextScores(invalid_P, *_matches(texts, true_titles, taxonomy))


def _matches(predicted: Sequence[str], true: Sequence[str], taxonomy: Taxonomy) -> tuple[Floats, Floats | None]:
    pairs, related = list(zip(predicted, true, strict=True)), related_titles(taxonomy)
    exact_P = np.array([exact_match(*pair) for pair in pairs], dtype=np.float64)
    if not any(related.values()):
        return exact_P, None
    return exact_P, np.array([related_match(*pair, related) for pair in pairs], dtype=np.float64)
