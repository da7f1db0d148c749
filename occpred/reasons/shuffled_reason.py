"""Oracle reasons that were written for somebody else."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import ClassVar

from occpred.errors import UserError
from occpred.reasons.exchange import exchange
from occpred.reasons.source import Material, ReasonSource
from occpred.records import NextOccupationExample
from occpred.settings import setting

logger = logging.getLogger(__name__)


class Within(Enum):
    """Among whom reasons are exchanged."""

    MAJOR_GROUP = "major group"
    """People whose targets are in one major group: the reason still tells the field, but not of this person."""
    ALL = "all"
    """Everybody: the reason tells nothing of the target."""


@dataclass
class ShuffledReason(ReasonSource):
    """Examples exchange their oracle reasons, so that nobody keeps one of their own person.

    Each reason is used exactly once, so the texts are those of the plain oracle reason in other hands; only where one
    person has more than half of all reasons, some of the others' are used again. Where a major group cannot exchange
    among its members, as that of one person, the rest is exchanged with other groups; how many is logged. An example
    without an oracle reason neither gives nor gets one.
    """

    label: ClassVar[str] = "another person's reason"
    needs_oracle: ClassVar[bool] = True

    within: Within = Within.MAJOR_GROUP
    """Among whom."""
    seed: int = setting(0, minimum=0)
    """Seed of who gives to whom; the order of the examples does not matter."""

    def texts(self, material: Material, num_reasons: int) -> Iterable[Sequence[str]]:
        own = material.oracle_texts(num_reasons)
        places = [example for example, texts in zip(material.examples, own, strict=True) for _ in texts]
        reasons = [text for texts in own for text in texts]
        given = (reasons[donor] for donor in self._donors(places, material))
        for texts in own:
            yield list(islice(given, len(texts)))

    def _donors(self, places: Sequence[NextOccupationExample], material: Material) -> list[int]:
        owners = [example.person_id for example in places]
        if len(set(owners)) == 1:
            raise UserError(
                f"all {len(owners)} oracle reasons are those of one person, so nobody can be given another person's; "
                "take more people, or lower selection.minimum_*"
            )
        groups = [
            material.taxonomy.major_group(example.target_code) if self.within is Within.MAJOR_GROUP else ""
            for example in places
        ]
        donors = exchange(owners, groups, self.seed)
        outside = sum(groups[donor] != group for donor, group in zip(donors, groups, strict=True))
        logger.info(
            "another person's reason: of %d, %d come from another major group and %d are used again",
            len(donors),
            outside,
            len(donors) - len(set(donors)),
        )
        return donors
