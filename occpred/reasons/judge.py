"""What every judge shares: three questions, each with no more information than it may have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.reasons.leaks import leaks_title
from occpred.records import CareerHistory, JudgedReason, JudgeScores, NextOccupationExample, Occupation, Reason
from occpred.settings import Settings

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

WORST, BEST = 1, 5


@dataclass(frozen=True)
class FactualityQuestion:
    """Are the reason's claims supported by the history?"""

    reason: str
    history: CareerHistory


@dataclass(frozen=True)
class CoherenceQuestion:
    """Does the reason, by itself, hold together?"""

    reason: str


@dataclass(frozen=True)
class UtilityQuestion:
    """Does the reason, without the history, bear on the true next occupation?"""

    reason: str
    occupation: Occupation


@dataclass(frozen=True)
class Mark:
    """The answer to one question: 1 (worst) to 5 (best), why, and the errors found."""

    score: int
    justification: str
    errors: tuple[str, ...] = ()


@dataclass
class Judge(Settings, ABC):
    """Marks reasons on factuality, coherence and utility.

    The three questions are put apart, so what one may not know cannot reach it: factuality is judged by history and
    reason, coherence by the reason alone, utility by the true occupation and the reason. Each method takes all its
    questions at once, so that a judge may work on many at a time, and answers in their order. The taxonomy is public
    knowledge.
    """

    @abstractmethod
    def mark_factuality(self, questions: Sequence[FactualityQuestion], taxonomy: Taxonomy) -> Iterator[Mark]:
        """5: all claims are supported; 1: mostly fabricated. `errors` lists the unsupported claims."""

    @abstractmethod
    def mark_coherence(self, questions: Sequence[CoherenceQuestion]) -> Iterator[Mark]:
        """5: in order of time and free of contradiction; 1: broken. `errors` lists the logical issues."""

    @abstractmethod
    def mark_utility(self, questions: Sequence[UtilityQuestion], taxonomy: Taxonomy) -> Iterator[Mark]:
        """5: strong evidence for the true occupation; 1: none."""

    def judge(
        self, reasons: Sequence[Reason], examples: Mapping[str, NextOccupationExample], taxonomy: Taxonomy
    ) -> Iterator[JudgedReason]:
        """Mark `reasons`, in order.

        Args:
            reasons: of any examples and any origin.
            examples: by example id.
            taxonomy: holds every target's occupation.

        Raises:
            KeyError: a reason's example, or an example's target, is unknown.
        """
        asked = [examples[reason.example_id] for reason in reasons]
        marks = zip(
            self.mark_factuality(
                [
                    FactualityQuestion(reason.text, example.history)
                    for reason, example in zip(reasons, asked, strict=True)
                ],
                taxonomy,
            ),
            self.mark_coherence([CoherenceQuestion(reason.text) for reason in reasons]),
            self.mark_utility(
                [
                    UtilityQuestion(reason.text, taxonomy[example.target_code])
                    for reason, example in zip(reasons, asked, strict=True)
                ],
                taxonomy,
            ),
            strict=True,
        )
        for reason, example, (factuality, coherence, utility) in zip(reasons, asked, marks, strict=True):
            leaks = leaks_title(reason.text, example.target_code, taxonomy)
            yield JudgedReason(reason, _scores(factuality, coherence, utility, leaks))


def _scores(factuality: Mark, coherence: Mark, utility: Mark, leaks: bool) -> JudgeScores:
    return JudgeScores(
        factuality.score,
        coherence.score,
        utility.score,
        factuality_errors=factuality.errors,
        coherence_errors=coherence.errors,
        justification=(
            f"Factuality: {factuality.justification} Coherence: {coherence.justification} "
            f"Utility: {utility.justification}"
        ),
        leaks_title=leaks,
    )
