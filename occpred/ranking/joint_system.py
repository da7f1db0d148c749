"""The joint model as an answering system: it writes its reason, then ranks every occupation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.ranking.exact import ExactRanking
from occpred.ranking.reason_source import ReasonSource
from occpred.rankings import Rankings
from occpred.records import NextOccupationExample

if TYPE_CHECKING:
    from torch import nn

    from occpred.encoding import JointEncoder


@dataclass(frozen=True)
class JointSystem:
    """Answers examples with a joint model.

    Attributes:
        encoder: the model's prompts and tokens.
        reason_source: where the reason comes from.
        ranking: how titles are scored, and whether one is written freely as well.
    """

    encoder: JointEncoder
    reason_source: ReasonSource
    ranking: ExactRanking

    def __call__(
        self, model: nn.Module, examples: Sequence[NextOccupationExample], oracle: Mapping[str, str]
    ) -> Rankings:
        """Rank all occupations for each example; see `ReasonSource` for `oracle`."""
        reasons = self.reason_source(model, self.encoder, examples, oracle)
        prompts = [
            [*self.encoder.prompt(example.history), *self.encoder.reasoning(reason)]
            for example, reason in zip(examples, reasons, strict=True)
        ]
        return Rankings(
            codes=self.encoder.taxonomy.codes,
            example_ids=tuple(example.example_id for example in examples),
            log_probs_PC=self.ranking(model, prompts, self.encoder.titles(), stage="rank"),
            reasons=tuple(reasons),
            free_text=tuple(self.ranking.free_text(model, self.encoder, prompts)),
        )
