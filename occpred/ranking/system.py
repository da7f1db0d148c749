"""An answering system: given a history and reasons, a language model ranks every occupation.

Shapes: P examples, R reasons each, C titles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.encoding import NamesOccupation
from occpred.ranking.ranking import Question, Ranking
from occpred.rankings import Rankings
from occpred.records import NextOccupationExample

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class AnsweringSystem:
    """Answers examples with a language model, each on the ground of the reasons it is given.

    Attributes:
        encoder: the role the model plays.
        ranking: how titles are scored, and whether one is written freely as well.
    """

    encoder: NamesOccupation
    ranking: Ranking

    def __call__(
        self, model: nn.Module, examples: Sequence[NextOccupationExample], reasons: Sequence[Sequence[str]]
    ) -> Rankings:
        """Rank all occupations for each example.

        Args:
            model: a causal language model in evaluation mode.
            examples: P questions.
            reasons: R texts for each of them, the empty one for no reason. Where an example has fewer than another its
                own are repeated in turn, which keeps their mean where R is a multiple of their number.
        """
        most = max(map(len, reasons), default=1)
        reasons = [[texts[index % len(texts)] for index in range(most)] for texts in reasons]
        questions = [
            Question(
                tuple(tuple(self.encoder.answer_prompt(example.history, reason)) for reason in texts),
                asked=self.encoder.taxonomy.index(example.target_code),
            )
            for example, texts in zip(examples, reasons, strict=True)
        ]
        answers = self.ranking(model, questions, self.encoder.titles(), stage="rank")
        return Rankings.averaged(
            codes=self.encoder.taxonomy.codes,
            example_ids=tuple(example.example_id for example in examples),
            log_probs_PRC=answers.log_probs_PRC,
            certificate=answers.certificate,
            reasons=tuple(texts[0] for texts in reasons),
            free_text=tuple(
                self.ranking.free_text(model, self.encoder, [question.prompts[0] for question in questions])
            ),
        )
