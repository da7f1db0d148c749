"""Which judged reasons are good enough to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from occpred.reasons.judge import BEST, WORST
from occpred.records import JudgedReason, JudgeScores
from occpred.settings import Settings, setting


@dataclass
class Selection(Settings):
    """Keeps each example's best reasons among those that reach every threshold."""

    minimum_factuality: int = setting(4, minimum=WORST, maximum=BEST)
    """Reasons below this mark are dropped."""
    minimum_coherence: int = setting(4, minimum=WORST, maximum=BEST)
    """Reasons below this mark are dropped."""
    minimum_utility: int = setting(3, minimum=WORST, maximum=BEST)
    """Reasons below this mark are dropped."""
    best_of: int = setting(1, minimum=1)
    """At most this many reasons of one example are kept."""
    exclude_leaks: bool = False
    """Whether reasons that name the target's title are dropped. Where a person stays, nearly all good ones do."""

    def __call__(self, judged: Sequence[JudgedReason]) -> tuple[JudgedReason, ...]:
        """Give the kept reasons: examples in the order of `judged`, within one the best first.

        Best is the highest mean of the three marks; of equal ones, the lowest candidate number.
        """
        passed: dict[str, list[JudgedReason]] = {}
        for reason in judged:
            candidates = passed.setdefault(reason.reason.example_id, [])
            if self._passes(reason.scores):
                candidates.append(reason)
        return tuple(
            reason for candidates in passed.values() for reason in sorted(candidates, key=_rank)[: self.best_of]
        )

    def _passes(self, scores: JudgeScores) -> bool:
        return (
            scores.factuality >= self.minimum_factuality
            and scores.coherence >= self.minimum_coherence
            and scores.utility >= self.minimum_utility
            and not (self.exclude_leaks and scores.leaks_title)
        )


def mean_score(scores: JudgeScores) -> float:
    """The three marks combined: their mean."""
    return (scores.factuality + scores.coherence + scores.utility) / 3


def _rank(judged: JudgedReason) -> tuple[float, int]:
    return -mean_score(judged.scores), judged.reason.candidate
