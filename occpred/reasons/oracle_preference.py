"""Pairs of the oracle's reason and the model's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from occpred.reasons.pairs import Rated, Unpaired, UnpairedError, apart, distinct, pair
from occpred.reasons.preference import PairMaterial, PairRule
from occpred.reasons.selection import mean_score
from occpred.records import Completion, NextOccupationExample, PreferencePair
from occpred.settings import setting


@dataclass
class OraclePreference(PairRule):
    """The best selected oracle reason, with the true title where the model names one, against the model's worst own."""

    label: ClassVar[str] = "oracle"
    needs_judge: ClassVar[bool] = True
    needs_oracle: ClassVar[bool] = True

    minimum_gap: float = setting(0.5, above=0)
    """How much better than the model's own the oracle's must be, in mean marks."""

    def pair(self, example: NextOccupationExample, material: PairMaterial) -> PreferencePair:
        oracle = _oracle(example, material)
        # The oracle's stands first, so an own one that says the same is left out.
        _, *own = distinct([oracle, *material.rate(example, material.mean_mark)])
        return apart(self.minimum_gap, pair(oracle, min(own, key=lambda one: one.worth)))


def _oracle(example: NextOccupationExample, material: PairMaterial) -> Rated:
    """The oracle's completion; it is numbered as one more of the model's."""
    if not (selected := material.oracle.get(example.example_id)):
        raise UnpairedError(Unpaired.NO_ORACLE)
    best = selected[0]
    answer = material.titles[example.target_code] if material.names_occupation else ""
    number = len(material.completions.get(example.example_id, ()))
    return Rated(Completion(example.example_id, number, best.reason.text, answer), mean_score(best.scores))
