"""Whether a reason gives the answer away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from occpred.reasons.vocabulary import vocabulary_of

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy


def leaks_title(reason: str, target_code: str, taxonomy: Taxonomy) -> bool:
    """Whether `reason` names the target by its official title or by an alternate title that is its alone.

    Case, spacing, punctuation, singular or plural do not matter; a longer title that contains the target's is another
    occupation. The target's title counts wherever it stands: where a person stays, merely quoting the present
    occupation counts, so compare leaks among movers.
    """
    return any(mention.names(target_code) for mention in vocabulary_of(taxonomy).mentions(reason))
