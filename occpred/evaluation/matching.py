"""When a predicted title counts as right: the two definitions behind AccEM and AccRM.

Source: Dong et al., "On Reasoning Behind Next Occupation Recommendation", arXiv 2604.21204.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

RelatedTitles = Mapping[str, Sequence[str]]
"""The ranked related titles of each title, most related first; a title may be missing or have none."""


def exact_match(predicted: str, true: str) -> bool:
    """Whether the titles are equal, case-sensitive."""
    return predicted == true


def related_place(predicted: str, true: str, related: RelatedTitles) -> int | None:
    """0 where the titles are equal, k where `predicted` is the k-th title related to `true`, else `None`.

    It is asymmetric: only the list of the true title is read.
    """
    if exact_match(predicted, true):
        return 0
    titles = related.get(true, ())
    return 1 + titles.index(predicted) if predicted in titles else None


def related_match(predicted: str, true: str, related: RelatedTitles) -> float:
    """What a prediction earns: 1 / (1 + its place), or 0 where it has none."""
    place = related_place(predicted, true, related)
    return 0.0 if place is None else 1 / (1 + place)


def related_titles(taxonomy: Taxonomy) -> dict[str, tuple[str, ...]]:
    """The ranked related titles of every occupation of `taxonomy`."""
    return {
        occupation.title: tuple(taxonomy[code].title for code in occupation.related)
        for occupation in taxonomy.occupations
    }
