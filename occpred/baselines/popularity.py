"""Popularity: everybody gets the occupations that are most common in the training careers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from occpred.baselines.baseline import Baseline
from occpred.records import CareerHistory
from occpred.settings import setting

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy


@dataclass
class Popularity(Baseline):
    """p(c) = (n(c) + smoothing) / (N + smoothing * C), with n(c) of the N training positions in occupation c.

    Additive smoothing (Lidstone 1920), so that an occupation nobody had keeps some probability. Occupations of equal
    count tie; `Rankings` leaves ties in taxonomy order.
    """

    name: ClassVar[str] = "popularity"

    smoothing: float = setting(1.0, above=0.0)
    """Positions added to the count of every occupation."""

    def fit(self, careers: Sequence[CareerHistory], taxonomy: Taxonomy) -> FittedPopularity:
        """Count every position of `careers`."""
        counts_C = np.full(len(taxonomy), self.smoothing)
        for career in careers:
            for position in career.positions:
                counts_C[taxonomy.index(position.occupation_code)] += 1
        return FittedPopularity(np.log(counts_C / counts_C.sum()))


@dataclass(frozen=True)
class FittedPopularity:
    """The same log-probabilities, (C,), for every history."""

    log_probs_C: NDArray[np.float64]

    def log_probs(self, history: CareerHistory) -> NDArray[np.float64]:
        """Log-probabilities, (C,); `history` is not read."""
        return self.log_probs_C
