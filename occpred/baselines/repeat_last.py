"""Repeat last: the person stays in the last occupation; all others follow by popularity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from occpred.baselines.baseline import Baseline
from occpred.baselines.popularity import FittedPopularity, Popularity
from occpred.records import CareerHistory
from occpred.settings import setting

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy


@dataclass
class RepeatLast(Baseline):
    """p(c | last) = stay * [c = last] + (1 - stay) * popularity(c); popularity alone where there is no history.

    `stay` is the share of stays among consecutive training positions by Laplace's rule, (stays + 1) / (pairs + 2), but
    never so small that a popular occupation could overtake the last one.
    """

    name: ClassVar[str] = "repeat_last"

    back_off: Popularity = setting(Popularity())
    """Ranks the occupations other than the last."""

    def fit(self, careers: Sequence[CareerHistory], taxonomy: Taxonomy) -> FittedRepeatLast:
        """Count the stays of `careers` and fit the popularity."""
        popularity = self.back_off.fit(careers, taxonomy)
        pairs = [pair for career in careers for pair in pairwise(career.positions)]
        stays = sum(last.occupation_code == following.occupation_code for last, following in pairs)
        most_popular = np.exp(popularity.log_probs_C.max())
        # stay / (1 - stay) >= p(most popular) keeps stay + (1 - stay) p(last) above every (1 - stay) p(other).
        stay = max((stays + 1) / (len(pairs) + 2), most_popular / (1 + most_popular))
        return FittedRepeatLast(stay, popularity, taxonomy)


@dataclass(frozen=True)
class FittedRepeatLast:
    """The probability of a stay and the popularity of what follows otherwise."""

    stay: float
    popularity: FittedPopularity
    taxonomy: Taxonomy

    def log_probs(self, history: CareerHistory) -> NDArray[np.float64]:
        """Log-probabilities, (C,), highest for the last occupation of `history`."""
        if not history.positions:
            return self.popularity.log_probs(history)
        probs_C = (1 - self.stay) * np.exp(self.popularity.log_probs(history))
        probs_C[self.taxonomy.index(history.positions[-1].occupation_code)] += self.stay
        return np.log(probs_C)
