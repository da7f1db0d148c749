"""Fine-tuning of a model that writes reasons and names no occupation."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING

from occpred.models.reference import packed_log_probs
from occpred.models.supervised_module import SupervisedModule

if TYPE_CHECKING:
    from torch import nn

    from occpred.models.objective import SupervisedLoss
    from occpred.training.optimizer import Optimizer
    from occpred.trees.token_tree import TokenTree


class ReasonModule(SupervisedModule):
    """Fine-tunes on reasons; validates by the loss on held-out people's reasons, in rows of `row_length` tokens."""

    def __init__(
        self,
        language_model: nn.Module,
        objective: SupervisedLoss,
        optimizer: Optimizer,
        *,
        num_steps: int,
        seed: int,
        row_length: int,
    ) -> None:
        super().__init__(language_model, objective, optimizer, num_steps=num_steps, seed=seed)
        self._row_length = row_length

    def validation_step(self, trees: list[TokenTree], batch_idx: int) -> None:
        """Record the mean negative log-likelihood of a target token, in nats."""
        log_probs = packed_log_probs(self.language_model, trees, self._row_length)
        if not self.trainer.sanity_checking:
            nats = -math.fsum(chain.from_iterable(log_probs))
            self._record({"validation/loss": nats / sum(tree.num_targets for tree in trees)})
