"""What every judge shares: three questions, each with no more information than it may have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from occpred.reasons.leaks import leaks_title
from occpred.records import CareerHistory, JudgedReason, JudgeScores, NextOccupationExample, Occupation, Reason
from occpred.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from occpred.chat.correspondence import Correspondence
    from occpred.chat.plan import PlannedCalls
    from occpred.taxonomy.taxonomy import Taxonomy

WORST, BEST = 1, 5


@dataclass(frozen=True)
class Subject:
    """Which reason a question is about. It is for the books and tells nobody anything of the person."""

    example_id: str
    candidate: int


@dataclass(frozen=True)
class FactualityQuestion:
    """Are the reason's claims supported by the history?"""

    subject: Subject
    reason: str
    history: CareerHistory


@dataclass(frozen=True)
class CoherenceQuestion:
    """Does the reason, by itself, hold together?"""

    subject: Subject
    reason: str


@dataclass(frozen=True)
class UtilityQuestion:
    """Does the reason, without the history, bear on the true next occupation?"""

    subject: Subject
    reason: str
    occupation: Occupation


@dataclass(frozen=True)
class Questions:
    """What is asked about some reasons, question by question, each in the order of the reasons."""

    factuality: list[FactualityQuestion]
    coherence: list[CoherenceQuestion]
    utility: list[UtilityQuestion]


@dataclass(frozen=True)
class Mark:
    """The answer to one question: 1 (worst) to 5 (best), why, and the errors found.

    Where several judges or samples were asked, `score` is their median and `ratings` holds each judge's marks by name.
    """

    score: int
    justification: str
    errors: tuple[str, ...] = ()
    ratings: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass
class Judge(Settings, ABC):
    """Marks reasons on factuality, coherence and utility.

    The three questions are put apart, so what one may not know cannot reach it: factuality is judged by history and
    reason, coherence by the reason alone, utility by the true occupation and the reason. Each method takes all its
    questions at once, so that a judge may work on many at a time, and answers in their order. The taxonomy is public
    knowledge.
    """

    @abstractmethod
    def mark_factuality(
        self, questions: Sequence[FactualityQuestion], taxonomy: Taxonomy, correspondence: Correspondence
    ) -> Iterator[Mark | None]:
        """5: all claims are supported; 1: mostly fabricated. `errors` lists the unsupported claims."""

    @abstractmethod
    def mark_coherence(
        self, questions: Sequence[CoherenceQuestion], correspondence: Correspondence
    ) -> Iterator[Mark | None]:
        """5: in order of time and free of contradiction; 1: broken. `errors` lists the logical issues."""

    @abstractmethod
    def mark_utility(
        self, questions: Sequence[UtilityQuestion], taxonomy: Taxonomy, correspondence: Correspondence
    ) -> Iterator[Mark | None]:
        """5: strong evidence for the true occupation; 1: none."""

    def judge(
        self,
        reasons: Sequence[Reason],
        examples: Mapping[str, NextOccupationExample],
        taxonomy: Taxonomy,
        correspondence: Correspondence,
    ) -> Iterator[JudgedReason]:
        """Mark `reasons`, in order; one without an answer to all three questions is left out.

        Args:
            reasons: of any examples and any origin.
            examples: by example id.
            taxonomy: holds every target's occupation.
            correspondence: what is asked of chat models is noted there, and what has no answer.

        Raises:
            KeyError: a reason's example, or an example's target, is unknown.
        """
        questions = self.questions(reasons, examples, taxonomy)
        for reason, answers in zip(reasons, self.mark(questions, taxonomy, correspondence), strict=True):
            given = [mark for mark in answers if mark is not None]
            if len(given) == len(answers):
                leaks = leaks_title(reason.text, examples[reason.example_id].target_code, taxonomy)
                yield JudgedReason(reason, _scores(*given, leaks=leaks))

    def questions(
        self, reasons: Sequence[Reason], examples: Mapping[str, NextOccupationExample], taxonomy: Taxonomy
    ) -> Questions:
        """What `judge` asks. Raises `KeyError` as it does."""
        asked = [
            (Subject(reason.example_id, reason.candidate), reason.text, examples[reason.example_id])
            for reason in reasons
        ]
        return Questions(
            [FactualityQuestion(subject, text, example.history) for subject, text, example in asked],
            [CoherenceQuestion(subject, text) for subject, text, _ in asked],
            [UtilityQuestion(subject, text, taxonomy[example.target_code]) for subject, text, example in asked],
        )

    def mark(
        self, questions: Questions, taxonomy: Taxonomy, correspondence: Correspondence
    ) -> Iterator[tuple[Mark | None, Mark | None, Mark | None]]:
        """Factuality, coherence and utility of each reason that the questions are about."""
        return zip(
            self.mark_factuality(questions.factuality, taxonomy, correspondence),
            self.mark_coherence(questions.coherence, correspondence),
            self.mark_utility(questions.utility, taxonomy, correspondence),
            strict=True,
        )

    def plan(
        self,
        reasons: Sequence[Reason],
        examples: Mapping[str, NextOccupationExample],
        taxonomy: Taxonomy,
        journals: Path,
    ) -> list[PlannedCalls]:
        """What `judge` would ask of chat models, without asking it: nothing, for a judge that works by itself."""
        return []


def _scores(factuality: Mark, coherence: Mark, utility: Mark, *, leaks: bool) -> JudgeScores:
    by_criterion = {"factuality": factuality, "coherence": coherence, "utility": utility}
    return JudgeScores(
        factuality.score,
        coherence.score,
        utility.score,
        factuality_errors=factuality.errors,
        coherence_errors=coherence.errors,
        justification=" ".join(f"{name.capitalize()}: {mark.justification}" for name, mark in by_criterion.items()),
        leaks_title=leaks,
        ratings={name: mark.ratings for name, mark in by_criterion.items() if mark.ratings},
    )
