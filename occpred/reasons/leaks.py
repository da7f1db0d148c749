"""Whether a reason gives the answer away, and how to keep it from doing so."""

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


def mask_title(reason: str, target_code: str, mask: str, taxonomy: Taxonomy) -> str:
    """Put `mask` in the place of each title of the target, official or alternate, also one that others share.

    What comes back does not leak, whatever `mask` is: should it spell a title together with the words beside it, these
    words go.
    """
    masked = _replace_title(reason, target_code, mask, taxonomy)
    # Each turn takes words away, so there is a last one.
    while masked != (shorter := _replace_title(masked, target_code, "", taxonomy)):
        masked = shorter
    return masked


def _replace_title(reason: str, target_code: str, by: str, taxonomy: Taxonomy) -> str:
    pieces, end = [], 0
    for mention in vocabulary_of(taxonomy).mentions(reason):
        if mention.may_name(target_code):
            pieces += [reason[end : mention.start], by]
            end = mention.end
    return "".join([*pieces, reason[end:]])
