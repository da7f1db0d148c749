"""Markov chains of any order with interpolated absolute discounting."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from occpred.baselines.baseline import Baseline, FittedBaseline
from occpred.records import CareerHistory
from occpred.settings import MISSING, setting

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

Context = tuple[str, ...]
"""The codes of the last occupations, oldest first."""


@dataclass
class Markov(Baseline):
    """p(c | h) = max(n(h, c) - discount, 0) / n(h) + discount * m(h) / n(h) * back_off(c | h).

    Here h is the last `order` occupations, n(h, c) how often c followed h in the training careers, n(h) how often
    anything did, and m(h) how many different occupations did. Where h was never followed, or the history is shorter
    than `order`, the back-off answers alone. This is absolute discounting in its interpolated form (Ney, Essen and
    Kneser 1994, "On structuring probabilistic dependences in stochastic language modelling"; Chen and Goodman 1999).
    """

    order: ClassVar[int]

    discount: float = setting(0.75, above=0.0, below=1.0)
    """What each occupation seen after h gives up, in counts, to those that the back-off knows."""
    back_off: Baseline = setting(MISSING)
    """Answers with a shorter memory."""

    def fit(self, careers: Sequence[CareerHistory], taxonomy: Taxonomy) -> FittedMarkov:
        """Count what follows every run of `order` positions in `careers`, and fit the back-off on the same careers."""
        followers: defaultdict[Context, Counter[int]] = defaultdict(Counter)
        for career in careers:
            codes = [position.occupation_code for position in career.positions]
            for start, code in enumerate(codes[self.order :]):
                followers[tuple(codes[start : start + self.order])][taxonomy.index(code)] += 1
        return FittedMarkov(self.order, self.discount, dict(followers), self.back_off.fit(careers, taxonomy))


@dataclass(frozen=True)
class FittedMarkov:
    """The followers of each context: how often each column of the taxonomy came next."""

    order: int
    discount: float
    followers: Mapping[Context, Counter[int]]
    back_off: FittedBaseline

    def log_probs(self, history: CareerHistory) -> NDArray[np.float64]:
        """Log-probabilities, (C,), by the formula of `Markov`."""
        context = tuple(position.occupation_code for position in history.positions[-self.order :])
        followers = self.followers.get(context)
        if followers is None:
            return self.back_off.log_probs(history)
        probs_C = self.discount * len(followers) * np.exp(self.back_off.log_probs(history))
        for column, count in followers.items():
            probs_C[column] += count - self.discount
        return np.log(probs_C / followers.total())
