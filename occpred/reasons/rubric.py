"""The offline judge: a fixed rubric instead of a language model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.reasons.coherence import mark_coherence
from occpred.reasons.factuality import mark_factuality
from occpred.reasons.judge import CoherenceQuestion, FactualityQuestion, Judge, Mark, UtilityQuestion
from occpred.reasons.utility import mark_utility

if TYPE_CHECKING:
    from occpred.chat.correspondence import Correspondence
    from occpred.taxonomy.taxonomy import Taxonomy


@dataclass
class RubricJudge(Judge):
    """Marks by rules on the words of English text. It needs no model, costs nothing and always answers the same.

    It knows surface forms only: a fact that is told in unusual words goes unchecked, and a good argument without a
    field, a level or an occupation in it earns no utility.
    """

    def mark_factuality(
        self, questions: Sequence[FactualityQuestion], taxonomy: Taxonomy, correspondence: Correspondence
    ) -> Iterator[Mark]:
        for question in questions:
            yield mark_factuality(question.reason, question.history, taxonomy)

    def mark_coherence(self, questions: Sequence[CoherenceQuestion], correspondence: Correspondence) -> Iterator[Mark]:
        for question in questions:
            yield mark_coherence(question.reason)

    def mark_utility(
        self, questions: Sequence[UtilityQuestion], taxonomy: Taxonomy, correspondence: Correspondence
    ) -> Iterator[Mark]:
        for question in questions:
            yield mark_utility(question.reason, question.occupation, taxonomy)
