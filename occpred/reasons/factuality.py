"""Marking a reason against the history."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING

from occpred.reasons.clauses import reports
from occpred.reasons.facts import Facts
from occpred.reasons.judge import BEST, WORST, Mark
from occpred.reasons.named_claims import named_claims
from occpred.reasons.numeric_claims import numeric_claims
from occpred.reasons.vocabulary import vocabulary_of
from occpred.records import CareerHistory

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

_ERROR_SHARES = (0.0, 0.2, 0.4, 0.6)
"""The largest share of unsupported claims that still earns 5, 4, 3 and 2; beyond, the reason is mostly fabricated."""


@lru_cache(maxsize=16)
def _facts_of(history: CareerHistory, taxonomy: Taxonomy) -> Facts:
    """The facts of a history, kept for the other reasons of the same example."""
    return Facts.of(history, taxonomy)


def mark_factuality(reason: str, history: CareerHistory, taxonomy: Taxonomy) -> Mark:
    """Mark the share of claims in `reason` that `history` supports.

    What the reason concludes (wishes, expectations, the next step) is no claim about the past and is not checked. A
    reason without a claim has none that is wrong: 5. An empty one earns 1.
    """
    if not reason.strip():
        return Mark(WORST, "The reason is empty.", ("empty reason",))
    facts, vocabulary = _facts_of(history, taxonomy), vocabulary_of(taxonomy)
    claims = [
        claim
        for report in reports(reason)
        for claim in (*named_claims(report, facts, vocabulary), *numeric_claims(report, facts))
    ]
    errors = tuple(dict.fromkeys(f"unsupported {claim.kind}: {claim.text}" for claim in claims if not claim.supported))
    wrong = sum(not claim.supported for claim in claims)
    score = BEST - bisect_left(_ERROR_SHARES, wrong / max(len(claims), 1))
    return Mark(score, f"{len(claims) - wrong} of {len(claims)} claims are supported.", errors)
