"""What a person seems to want next: the conclusion that a reason argues for."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from occpred.reasons.periods import periods_of
from occpred.reasons.vocabulary import vocabulary_of
from occpred.reasons.words import fold
from occpred.records import CareerHistory

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

_OLDER_COUNTS = 0.6
"""A position tells so much about the field to come, compared with the one after it."""
_STUDIES_COUNT = 1.0
"""A field of study tells so much, compared with the latest position."""
_PRIOR_STAYS, _PRIOR_CHANGES = 1.0, 2.5
"""Everybody is first taken for somebody who kept the occupation at one change of position in two and a half."""
_TYPICAL_MONTHS = 30


@dataclass(frozen=True)
class Expectation:
    """A guess or knowledge of the next step.

    Attributes:
        field: title of the major group of the next occupation.
        job_zone: its level; `None` where the taxonomy gives none.
        step: how much higher that is than the present level, 0 where either is unknown.
        stays: whether the person keeps the present occupation.
    """

    field: str
    job_zone: int | None
    step: int
    stays: bool


def known_expectation(history: CareerHistory, target_code: str, taxonomy: Taxonomy) -> Expectation:
    """What to expect of somebody whose next occupation is known to be `target_code`."""
    present = history.positions[-1].occupation_code if history.positions else None
    zone = taxonomy[target_code].job_zone
    present_zone = taxonomy[present].job_zone if present else None
    return Expectation(taxonomy.major_group_title(target_code), zone, _step(present_zone, zone), present == target_code)


def guessed_expectation(history: CareerHistory, taxonomy: Taxonomy, chance: random.Random) -> Expectation:
    """What the history alone lets one expect, drawn by its weight of evidence.

    Staying is the likelier the more often and the longer the person stayed; a mover goes on in a field of the past
    positions or of the studies, and on in the direction through the job zones so far.
    """
    codes = [position.occupation_code for position in history.positions]
    stays = bool(codes) and chance.random() < _stay_probability(history)
    if stays:
        return known_expectation(history, codes[-1], taxonomy)
    weights = _field_weights(history, taxonomy)
    field = chance.choices(list(weights), weights=list(weights.values()))[0]
    zones = [zone for code in codes if (zone := taxonomy[code].job_zone) is not None]
    zone = _continued(zones) if codes and taxonomy[codes[-1]].job_zone is not None else None
    return Expectation(field, zone, _step(zones[-1] if zones else None, zone), stays=False)


def _step(present: int | None, following: int | None) -> int:
    return following - present if present is not None and following is not None else 0


def _stay_probability(history: CareerHistory) -> float:
    codes = [position.occupation_code for position in history.positions]
    stays = sum(one == other for one, other in pairwise(codes))
    share = (stays + _PRIOR_STAYS) / (max(len(codes) - 1, 0) + _PRIOR_CHANGES)
    months = [period.months for period in periods_of(history.positions) if period.months]
    patience = (sum(months) / len(months) / _TYPICAL_MONTHS) ** 0.5 if months else 1.0
    return share * patience / (share * patience + 1 - share) if share < 1 else 1.0


def _field_weights(history: CareerHistory, taxonomy: Taxonomy) -> dict[str, float]:
    weights: defaultdict[str, float] = defaultdict(float)
    for age, position in enumerate(reversed(history.positions)):
        weights[taxonomy.major_group_title(position.occupation_code)] += _OLDER_COUNTS**age
    for entry in history.education:
        if (group := vocabulary_of(taxonomy).nearest_field(fold(entry.field))) is not None:
            weights[group] += _STUDIES_COUNT
    if not weights:
        weights.update({taxonomy.major_group_title(code): 1.0 for code in taxonomy.codes})
    return dict(weights)


def _continued(zones: list[int]) -> int:
    """The level after `zones` where the last change of level, if any, is made once more."""
    steps = [other - one for one, other in pairwise(zones) if other != one]
    trend = (steps[-1] > 0) - (steps[-1] < 0) if steps else 0
    return min(max(zones[-1] + trend, 1), 5)
