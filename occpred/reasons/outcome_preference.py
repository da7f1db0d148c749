"""Pairs by what a reason leads to: the true occupation, or another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean
from typing import ClassVar

from occpred.reasons.pairs import Rated, apart, astride, best_against_worst
from occpred.reasons.preference import PairMaterial, PairRule
from occpred.records import NextOccupationExample, PreferencePair
from occpred.settings import setting


class ZeroPoint(Enum):
    """The log-probability of the true occupation above which a reason helps and below which it harms."""

    WITHOUT_REASON = "without reason"
    """That given no reason: what a reason is worth in itself. It asks the predictor what it may never have learned."""
    MEAN_OF_SAMPLES = "mean of samples"
    """The mean over the example's reasons: what a reason is worth among those that the model would have written."""


_RIGHT_OR_WRONG = 0.5
"""Lies between the worth of a right answer, 1, and of a wrong one, 0."""


@dataclass
class OutcomePreference(PairRule):
    """A completion that leads to the true occupation against one that leads away from it.

    Of a model that names an occupation: the first right answer against the first wrong one, be it a title or not. Of a
    model that writes reasons alone: the reason that raises log p(true occupation) under the predictor most against the
    one that lowers it most.
    """

    label: ClassVar[str] = "outcome"
    needs_predictor: ClassVar[bool] = True

    zero_point: ZeroPoint = ZeroPoint.MEAN_OF_SAMPLES
    """What raising and lowering start from. A predictor that always learned with reasons says little without one, so
    the mean is the default."""
    minimum_gap: float = setting(0.1, above=0)
    """How far apart the two log-probabilities must be, in nats: 0.1 makes the true occupation 1.1 times as probable."""

    def pair(self, example: NextOccupationExample, material: PairMaterial) -> PreferencePair:
        if material.names_occupation:
            true_title = material.titles[example.target_code]
            answers = material.rate(example, lambda completion: float(completion.answer == true_title))
            return astride(_RIGHT_OR_WRONG, best_against_worst(answers))
        reasons = material.rate(example, material.log_prob)
        furthest = best_against_worst(reasons)
        return apart(self.minimum_gap, astride(self._zero(example, reasons, material), furthest))

    def _zero(self, example: NextOccupationExample, reasons: Sequence[Rated], material: PairMaterial) -> float:
        if self.zero_point is ZeroPoint.WITHOUT_REASON:
            return material.log_probs_without_reason[example.example_id]
        return fmean(reason.worth for reason in reasons)
