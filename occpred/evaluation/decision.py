"""Decision: what an interval says about a claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from occpred.evaluation.power import persons_needed
from occpred.findings import FEWEST_PERSONS, Outcome
from occpred.records import Estimate


@dataclass(frozen=True)
class Decision:
    """An outcome and, where it is open, how many persons would bring one; `None` where no number would do."""

    outcome: Outcome
    persons_needed: int | None = None


@dataclass(frozen=True)
class Rule:
    """Decides on a claim that a value is high.

    Supported where the whole interval lies above `supported_above`, not supported where it lies below `refuted_below`.
    The two may differ: a gain is supported from above 0, yet no more to be hoped for only once a gain that would matter
    is excluded. An interval that lies above the one and below the other supports, for a small gain is a gain.

    Attributes:
        supported_above: what the value must exceed.
        refuted_below: what the value must reach to matter, at least `supported_above`.
        confidence: that of the interval, which the decision inherits.
    """

    supported_above: float
    refuted_below: float
    confidence: float

    def __call__(self, estimate: Estimate, persons: int, p_value: float = 0.0) -> Decision:
        """Decide, or say how many persons it takes.

        Fewer than `FEWEST_PERSONS` decide nothing.

        Args:
            estimate: the value with its interval.
            persons: how many persons it rests on.
            p_value: of a test that the value is `supported_above`, if there is one: where it finds nothing, as an exact
                test of a few people may not, the interval supports nothing either.
        """
        if persons >= FEWEST_PERSONS:
            if estimate.low > self.supported_above and p_value < 1 - self.confidence:
                return Decision(Outcome.SUPPORTED)
            if estimate.high < self.refuted_below:
                return Decision(Outcome.NOT_SUPPORTED)
        return Decision(Outcome.UNDECIDED, self._needed(estimate, persons))

    def _needed(self, estimate: Estimate, persons: int) -> int | None:
        """The fewest persons that bring either outcome: more than there are, since these did not."""
        bounds = [self.supported_above] if estimate.value > self.supported_above else []
        bounds += [self.refuted_below] if estimate.value < self.refuted_below else []
        sizes = [persons_needed(estimate, persons, bound, self.confidence) for bound in bounds]
        known = [size for size in sizes if size is not None]
        return max(min(known), persons + 1, FEWEST_PERSONS) if known else None


def all_of(decisions: Sequence[Decision]) -> Decision:
    """Decide on a claim of several parts: it falls with any of them and needs them all."""
    outcomes = [decision.outcome for decision in decisions]
    if Outcome.NOT_SUPPORTED in outcomes:
        return Decision(Outcome.NOT_SUPPORTED)
    if Outcome.UNDECIDED not in outcomes:
        return Decision(Outcome.SUPPORTED)
    needed = [decision.persons_needed for decision in decisions if decision.outcome is Outcome.UNDECIDED]
    known = [size for size in needed if size is not None]
    return Decision(Outcome.UNDECIDED, max(known) if len(known) == len(needed) else None)
