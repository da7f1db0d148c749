"""Pairs by the marks of a judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from occpred.reasons.pairs import apart, best_against_worst
from occpred.reasons.preference import PairMaterial, PairRule
from occpred.records import NextOccupationExample, PreferencePair
from occpred.settings import setting


@dataclass
class JudgePreference(PairRule):
    """The completion whose reason has the best mean mark against the one that has the worst."""

    label: ClassVar[str] = "judge"
    needs_judge: ClassVar[bool] = True

    minimum_gap: float = setting(0.5, above=0)
    """How much better it must be, in mean marks."""

    def pair(self, example: NextOccupationExample, material: PairMaterial) -> PreferencePair:
        return apart(self.minimum_gap, best_against_worst(material.rate(example, material.mean_mark)))
