"""Nearest neighbours: what came next for the people whose histories were most alike.

Shapes: N beginnings of training careers, C occupations in taxonomy order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from occpred.baselines.baseline import Baseline, FittedBaseline
from occpred.baselines.markov_1 import Markov1
from occpred.records import CareerHistory, Position
from occpred.settings import setting

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

_ROUNDING = 1e-9
"""Similarities this close are equal but for the order in which floats were added."""


@dataclass
class KNearestNeighbours(Baseline):
    """p(c | h) = (sum of s(h, i) over the near i that c followed + w * back_off(c | h)) / (sum of s(h, i) + w).

    Every beginning i of a training career that something followed is a possible neighbour. Its similarity s(h, i) is
    the cosine between the occupations of h and of i, where a position weighs `decay` to the power of how many came
    after it. The `num_neighbours` of largest s vote, with all who tie with the last of them, so that the order of the
    careers means nothing; a beginning that shares no occupation with h has no vote.

    Beginnings as neighbours, with votes in proportion to their similarity: Jannach and Ludewig 2017, "When recurrent
    neural networks meet the neighborhood for session-based recommendation". Weights that fade with age: Ludewig and
    Jannach 2018, "Evaluation of session-based recommendation algorithms". They only rank; the back-off, with
    w = `back_off_votes`, is what makes probabilities of it here.
    """

    name: ClassVar[str] = "knn"

    num_neighbours: int = setting(200, minimum=1)
    """How many beginnings vote, ties aside."""
    decay: float = setting(0.5, above=0.0, maximum=1.0)
    """What a position weighs against the one after it; at 1 the order of the positions means nothing."""
    back_off_votes: float = setting(50.0, above=0.0)
    """The weight of the back-off, in votes of beginnings that are alike in all."""
    back_off: Markov1 = setting(Markov1())
    """Answers for what no neighbour went on to."""

    def fit(self, careers: Sequence[CareerHistory], taxonomy: Taxonomy) -> FittedKNearestNeighbours:
        """Remember all beginnings of `careers`, and fit the back-off on the same careers."""
        from scipy.sparse import csr_array

        back_off = self.back_off.fit(careers, taxonomy)
        weights: list[float] = []
        columns: list[int] = []
        ends, followers = [0], []
        for career in careers:
            for length, follower in enumerate(career.positions[1:], start=1):
                weights_C = occupation_weights(career.positions[:length], self.decay, taxonomy)
                held = np.flatnonzero(weights_C)
                weights.extend(weights_C[held])
                columns.extend(held)
                ends.append(len(columns))
                followers.append(taxonomy.index(follower.occupation_code))
        beginnings_NC = csr_array((weights, columns, ends), shape=(len(followers), len(taxonomy)), dtype=np.float64)
        return FittedKNearestNeighbours(self, beginnings_NC, np.array(followers, dtype=np.int64), back_off, taxonomy)


@dataclass(frozen=True)
class FittedKNearestNeighbours:
    """The beginnings, each a row of length 1, the columns of what followed them, and the back-off."""

    settings: KNearestNeighbours
    beginnings_NC: Any
    followers_N: NDArray[np.int64]
    back_off: FittedBaseline
    taxonomy: Taxonomy

    def log_probs(self, history: CareerHistory) -> NDArray[np.float64]:
        """Log-probabilities, (C,), by the formula of `KNearestNeighbours`."""
        votes_C = self.settings.back_off_votes * np.exp(self.back_off.log_probs(history))
        weights_C = occupation_weights(history.positions, self.settings.decay, self.taxonomy)
        similarities_N = self.beginnings_NC @ weights_C
        num_far = len(similarities_N) - self.settings.num_neighbours
        if num_far > 0:
            last_near = np.partition(similarities_N, num_far)[num_far]
            similarities_N[similarities_N < last_near - _ROUNDING] = 0.0
        votes_C += np.bincount(self.followers_N, similarities_N, minlength=len(votes_C))
        return np.asarray(np.log(votes_C / votes_C.sum()))


def occupation_weights(positions: Sequence[Position], decay: float, taxonomy: Taxonomy) -> NDArray[np.float64]:
    """How much of `positions` each occupation is, (C,): a vector of length 1, or of zeros where there are none."""
    weights_C = np.zeros(len(taxonomy))
    for age, position in enumerate(reversed(positions)):
        weights_C[taxonomy.index(position.occupation_code)] += decay**age
    length = math.sqrt(weights_C @ weights_C)
    return weights_C / length if length else weights_C
