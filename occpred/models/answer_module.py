"""Fine-tuning of a model that names the occupation: joint, predictor and direct model.

Shapes: P examples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import nn

from occpred.evaluation.metrics import AccEM
from occpred.models.supervised_module import SupervisedModule

if TYPE_CHECKING:
    from occpred.models.objective import SupervisedLoss
    from occpred.rankings import Rankings
    from occpred.records import NextOccupationExample
    from occpred.taxonomy.taxonomy import Taxonomy
    from occpred.training.optimizer import Optimizer

Answer = Callable[[nn.Module, list["NextOccupationExample"]], "Rankings"]
"""How the model under training answers examples, reasons included."""


class AnswerModule(SupervisedModule):
    """Fine-tunes on replies that end with a title; validates by the exact match of its first answer."""

    def __init__(
        self,
        language_model: nn.Module,
        objective: SupervisedLoss,
        optimizer: Optimizer,
        answer: Answer,
        taxonomy: Taxonomy,
        *,
        num_steps: int,
        seed: int,
    ) -> None:
        super().__init__(language_model, objective, optimizer, num_steps=num_steps, seed=seed)
        self._answer = answer
        self._taxonomy = taxonomy
        self._acc_em = AccEM(sync_on_compute=False)  # every process has all answers

    def validation_step(self, examples: list[NextOccupationExample], batch_idx: int) -> None:
        """Answer the examples and count exact matches."""
        best_P = self._answer(self.language_model, examples).order()[:, 0]
        predicted = [self._taxonomy.occupations[column].title for column in best_P]
        true = [self._taxonomy[example.target_code].title for example in examples]
        self._acc_em.update(predicted, true)

    def on_validation_epoch_end(self) -> None:
        """Record AccEM (%) at this step."""
        row: dict[str, Any] = {"validation/acc_em": float(self._acc_em.compute())}
        self._acc_em.reset()
        if not self.trainer.sanity_checking:
            self._record(row)
