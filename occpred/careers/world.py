"""The labour market of the simulator: what drives a simulated person, and how likely each step is.

Every probability is exact and open, so that an ideal observer can be computed beside the models under study.

Shapes: C occupations (in taxonomy order), G major groups (sorted), L education levels, D drivers.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from occpred.errors import UserError
from occpred.taxonomy.taxonomy import Taxonomy

Floats = NDArray[np.float64]

LEVELS = (1, 2, 3, 4, 5)
"""Education levels on the scale of job zones: a person of level 4 is fully prepared for zone 4."""
MEDIAN_MONTHS = 30.0
"""Half of all positions of a person with neutral stability last at most so long."""
TENURE_STABILITY = 0.6
"""The logarithm of the months in a position rises by so much per unit of stability ..."""
TENURE_NOISE = 0.5
"""... and is spread by so much (standard deviation) around that."""

# Weights of the utilities, in nats. They were tuned on the sample taxonomy so that a person's move is fairly sure for
# who knows their preference and unsure for who knows only their last occupation.
_RELATED, _POPULAR = 3.0, 0.2
_CALLING, _INTEREST, _ZONE = 16.0, 12.0, 7.5
_WISHED_ZONES = 2.0  # the fully ambitious wish to rise by so many job zones at once
_UNPREPARED, _UNQUALIFIED, _RETURNING = 4.0, 40.0, 8.0
_START_FIELD, _START_ZONE, _START_BELOW = 3.0, 1.5, 0.5
_STABILITY, _TENURE = 7.0, 0.5  # of the log-odds of staying
_LEVEL_ABOVE_ZONE, _LEVEL_AMBITION, _LEVEL_SPREAD, _LOWEST_LEVEL = 0.2, 0.8, 0.7, 0.3
_FIELD_IS_CALLING, _FIELD_IS_INTEREST = 0.55, 0.2
_RANK_DECAY = 8.0
_FOREIGN_INTEREST = 0.01
_DEGREE_FITS = 0.2
_NEVER = -1e9  # finite, so that forces can be added and taken away; its exponential is exactly zero
_NEUTRAL_ZONE = 3  # of an occupation that the taxonomy places in no job zone


class Driver(Enum):
    """One of the forces that may decide a move."""

    CALLING = "calling"
    INTEREST = "interest"
    AMBITION = "ambition"
    PATH = "path"
    """What lies near the current occupation: related occupations, or the observed moves of others."""


@dataclass(frozen=True)
class Preference:
    """What a simulated person wants. It is never part of the history."""

    calling: str
    """The major group the person is drawn to."""
    interest: str
    """A second major group: work near it is liked too."""
    ambition: float
    """-1 (wishes for lighter work) to 1 (wishes to rise in job zone)."""
    stability: float
    """-1 (restless) to 1 (wishes to stay)."""


@dataclass(frozen=True)
class Schooling:
    """What a person has learnt: a level of `LEVELS` and the major group of the field."""

    level: int
    field: str


class World:
    """All probabilities of the simulation on one taxonomy.

    A move's log-probability is, up to a constant, `path + preference_strength * wishes`. The path is the relatedness of
    the two occupations, or the observed mobility; the wishes are the preference, within what education allows.

    Args:
        taxonomy: the occupations; without related lists or job zones they still work, but tell less apart.
        preference_strength: 0 lets everybody follow the path alone.
        stay_share: mean probability that a position repeats the occupation before it.
        mobility_CC: observed probability of moving from a row's to a column's occupation. The diagonal is not used; a
            row of zeros falls back on relatedness.

    Raises:
        UserError: fewer than two occupations.
    """

    def __init__(
        self, taxonomy: Taxonomy, preference_strength: float, stay_share: float, mobility_CC: Floats | None = None
    ) -> None:
        if len(taxonomy) < 2:
            raise UserError(f"{taxonomy.name} has one occupation: simulated people need at least two to move between")
        self.taxonomy = taxonomy
        self.groups: tuple[str, ...] = tuple(sorted(set(taxonomy.groups.values())))
        self._group_indices = {group: index for index, group in enumerate(self.groups)}
        self._group_titles = {taxonomy.major_group(code): taxonomy.major_group_title(code) for code in taxonomy.codes}
        self._strength = preference_strength
        self._zone_C = np.array([occupation.job_zone or _NEUTRAL_ZONE for occupation in taxonomy.occupations], float)
        group_C = np.array([self._group_indices[taxonomy.major_group(code)] for code in taxonomy.codes])
        listed_CC = _listed(taxonomy)
        related_CC = np.maximum(listed_CC, listed_CC.T)
        popularity_C = np.log1p(listed_CC.sum(axis=0))
        self._popular_C = _POPULAR * (popularity_C - popularity_C.mean())
        self._path_CC = _path(_RELATED * related_CC + self._popular_C, mobility_CC)
        self._closeness_GC = _closeness(related_CC, group_C, len(self.groups))
        self._interest_GG = _interests(self._closeness_GC, group_C)
        self._group_zone_G = np.array([self._zone_C[group_C == group].mean() for group in range(len(self.groups))])
        schoolings = (Schooling(level, group) for level in LEVELS for group in self.groups)
        self._barriers = {schooling: self._barriers_of(schooling) for schooling in schoolings}
        self._stay_intercept = _stay_intercept(stay_share, preference_strength)

    def group_title(self, group: str) -> str:
        """The title of a major group."""
        return self._group_titles[group]

    def zone(self, code: str) -> float:
        """The job zone of an occupation, a middling one where the taxonomy has none."""
        return float(self._zone_C[self.taxonomy.index(code)])

    def interest_probabilities(self, calling: str) -> Floats:
        """Probability of each second interest (G,) of who has this calling: mostly a neighbouring group."""
        return np.asarray(self._interest_GG[self._group_indices[calling]])

    def level_probabilities(self, preference: Preference) -> Floats:
        """Probability of each education level (L,): what the calling asks for, more for the ambitious."""
        usual_zone = self._group_zone_G[self._group_indices[preference.calling]]
        mean = usual_zone + _LEVEL_ABOVE_ZONE + _LEVEL_AMBITION * preference.ambition
        weight_L = np.exp(-0.5 * ((np.array(LEVELS) - mean) / _LEVEL_SPREAD) ** 2)
        weight_L[0] *= _LOWEST_LEVEL
        return np.asarray(weight_L / weight_L.sum())

    def field_probabilities(self, preference: Preference) -> Floats:
        """Probability of each field of education (G,): often the calling, sometimes the interest, else any."""
        elsewhere = 1 - _FIELD_IS_CALLING - _FIELD_IS_INTEREST
        probability_G = np.full(len(self.groups), elsewhere / len(self.groups))
        probability_G[self._group_indices[preference.calling]] += _FIELD_IS_CALLING
        probability_G[self._group_indices[preference.interest]] += _FIELD_IS_INTEREST
        return probability_G

    def start_probabilities(self, schooling: Schooling) -> Floats:
        """Probability of each first occupation (C,): near the field learnt, at its level or a zone below."""
        wished_zone = schooling.level - _START_BELOW
        utility_C = _START_FIELD * self._closeness_GC[self._group_indices[schooling.field]] + self._popular_C
        return _softmax(utility_C - _START_ZONE * np.abs(self._zone_C - wished_zone) - self._barriers[schooling])

    def stay_probability(self, preference: Preference, months: float) -> float:
        """Probability that the next position repeats the occupation held for `months`."""
        return float(_sigmoid(np.asarray(self._stay_intercept + sum(self.stay_drivers(preference, months)))))

    def stay_drivers(self, preference: Preference, months: float) -> tuple[float, float]:
        """What stability and tenure add to the log-odds of staying."""
        return self._strength * _STABILITY * preference.stability, _TENURE * math.log(months / MEDIAN_MONTHS)

    def move_probabilities(
        self, preference: Preference, current: str, schooling: Schooling, held: Collection[str] = ()
    ) -> Floats:
        """Probability of each next occupation (C,) of who leaves the occupation `current`; its own is 0.

        Args:
            preference: what the person wants.
            current: the code of the occupation left.
            schooling: what the person has learnt.
            held: codes of occupations held before; hardly anybody goes back.
        """
        forces_DC = self._forces(preference, current)
        return _softmax(forces_DC.sum(axis=0) + self._limits(current, schooling, held))

    def next_probabilities(
        self, preference: Preference, current: str, months: float, schooling: Schooling, held: Collection[str] = ()
    ) -> Floats:
        """Probability of each occupation (C,) of the next position, staying included."""
        stay = self.stay_probability(preference, months)
        probability_C = (1 - stay) * self.move_probabilities(preference, current, schooling, held)
        probability_C[self.taxonomy.index(current)] = stay
        return probability_C

    def move_drivers(
        self, preference: Preference, current: str, schooling: Schooling, held: Collection[str], target: str
    ) -> dict[Driver, float]:
        """How much likelier, in nats, each driver made the move to `target` than it were in a world without it."""
        forces_DC = self._forces(preference, current)
        utility_C = forces_DC.sum(axis=0) + self._limits(current, schooling, held)
        log_prob_DC = _log_softmax(np.concatenate([utility_C[None], utility_C - forces_DC]))
        log_prob, *without = log_prob_DC[:, self.taxonomy.index(target)].tolist()
        return {driver: log_prob - other for driver, other in zip(Driver, without, strict=True)}

    def _forces(self, preference: Preference, current: str) -> Floats:
        """What each driver adds to the utility of each occupation, (D, C)."""
        row = self.taxonomy.index(current)
        wished_zone = self._zone_C[row] + _WISHED_ZONES * preference.ambition
        return np.stack(  # in the order of Driver
            [
                self._strength * _CALLING * self._closeness_GC[self._group_indices[preference.calling]],
                self._strength * _INTEREST * self._closeness_GC[self._group_indices[preference.interest]],
                -self._strength * _ZONE * np.abs(self._zone_C - wished_zone),
                self._path_CC[row],
            ]
        )

    def _limits(self, current: str, schooling: Schooling, held: Collection[str]) -> Floats:
        """What holds each person back from each occupation, whatever they want, (C,)."""
        limits_C = -self._strength * self._barriers[schooling]
        limits_C[[self.taxonomy.index(code) for code in held]] -= self._strength * _RETURNING
        limits_C[self.taxonomy.index(current)] = _NEVER
        return limits_C

    def _barriers_of(self, schooling: Schooling) -> Floats:
        """What education puts in the way of each occupation (C,): zone 5 asks for the degree, in a field that fits."""
        fits_C = self._closeness_GC[self._group_indices[schooling.field]] >= _DEGREE_FITS
        barred_C = (self._zone_C == LEVELS[-1]) & ~(fits_C & (schooling.level == LEVELS[-1]))
        return np.asarray(_UNPREPARED * np.maximum(self._zone_C - schooling.level, 0.0) + _UNQUALIFIED * barred_C)


def _listed(taxonomy: Taxonomy) -> Floats:
    """How high each row's related list has each column, 1 for the first down to 0 for the unlisted."""
    listed_CC = np.zeros((len(taxonomy), len(taxonomy)))
    for row, occupation in enumerate(taxonomy.occupations):
        for rank, code in enumerate(occupation.related):
            listed_CC[row, taxonomy.index(code)] = math.exp(-rank / _RANK_DECAY)
    np.fill_diagonal(listed_CC, 0.0)
    return listed_CC


def _path(relatedness_CC: Floats, mobility_CC: Floats | None) -> Floats:
    """The utility of each move before any wish: log-mobility where it was observed, else relatedness."""
    if mobility_CC is None:
        return relatedness_CC
    moves_CC = mobility_CC * (1 - np.eye(len(mobility_CC)))
    log_moves_CC = np.log(moves_CC, out=np.full_like(moves_CC, _NEVER), where=moves_CC > 0)
    return np.where(moves_CC.sum(axis=1, keepdims=True) > 0, log_moves_CC, relatedness_CC)


def _closeness(related_CC: Floats, group_C: NDArray[np.int64], num_groups: int) -> Floats:
    """How near each occupation is to each group, (G, C): 1 within it, else the group's share of its related ones."""
    member_CG = np.eye(num_groups)[group_C]
    total_C1 = related_CC.sum(axis=1, keepdims=True)
    share_CG = (related_CC @ member_CG) / np.where(total_C1 > 0, total_C1, 1.0)
    return np.ascontiguousarray(np.maximum(member_CG, share_CG).T)


def _interests(closeness_GC: Floats, group_C: NDArray[np.int64]) -> Floats:
    """Probability of each interest (column) given the calling (row): the nearer the groups, the likelier."""
    num_groups = len(closeness_GC)
    if num_groups == 1:
        return np.ones((1, 1))
    weight_GG = np.stack([closeness_GC[:, group_C == group].mean(axis=1) for group in range(num_groups)])
    weight_GG += _FOREIGN_INTEREST
    np.fill_diagonal(weight_GG, 0.0)
    return np.asarray(weight_GG / weight_GG.sum(axis=1, keepdims=True))


def _stay_intercept(stay_share: float, preference_strength: float) -> float:
    """The log-odds of staying of a neutral person, such that people stay in `stay_share` of all cases on average.

    It is found by bisection on a grid over stability (uniform) and tenure (log-normal), which is how people are drawn.
    """
    stability_S1 = np.linspace(-1, 1, 201)[:, None]
    noise_N = np.linspace(-3, 3, 61)
    weight_N = np.exp(-0.5 * noise_N**2) / np.exp(-0.5 * noise_N**2).sum()
    log_months_SN = TENURE_STABILITY * stability_S1 + TENURE_NOISE * noise_N
    log_odds_SN = preference_strength * _STABILITY * stability_S1 + _TENURE * log_months_SN
    low, high = -100.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        share = (_sigmoid(middle + log_odds_SN) @ weight_N).mean()
        low, high = (middle, high) if share < stay_share else (low, middle)
    return low


def _sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * log_odds)))


def _log_softmax(utility_C: Floats) -> Floats:
    """Over the last axis."""
    shifted_C = utility_C - utility_C.max(axis=-1, keepdims=True)
    return np.asarray(shifted_C - np.log(np.exp(shifted_C).sum(axis=-1, keepdims=True)))


def _softmax(utility_C: Floats) -> Floats:
    weight_C = np.exp(utility_C - utility_C.max())
    return np.asarray(weight_C / weight_C.sum())
