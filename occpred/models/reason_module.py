"""Fine-tuning of a model that writes reasons and names no occupation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from occpred.models.tree_module import TreeModule
from occpred.trees.log_probs import branch_log_probs
from occpred.trees.packing import collate

if TYPE_CHECKING:
    from occpred.models.objective import SupervisedLoss
    from occpred.training.optimizer import Optimizer
    from occpred.training.steps import OptimizerStep
    from occpred.trees.packing import TreeBatch
    from occpred.trees.token_tree import TokenTree


class ReasonModule(TreeModule):
    """Fine-tunes on reasons; validates by the loss on held-out people's reasons."""

    def __init__(
        self,
        language_model: nn.Module,
        objective: SupervisedLoss,
        optimizer: Optimizer,
        *,
        num_steps: int,
        seed: int,
    ) -> None:
        super().__init__(language_model, optimizer, num_steps, seed)
        self._objective = objective

    def loss(self, batch: TreeBatch, step: OptimizerStep) -> Tensor:
        """Return this micro-batch's share of the loss on reasons."""
        return self._objective(branch_log_probs(self.language_model, batch), step)

    def validation_step(self, trees: list[TokenTree], batch_idx: int) -> None:
        """Record the mean negative log-likelihood of a target token, in nats."""
        nats, targets = 0.0, 0
        for tree in trees:
            batch = collate([[tree]], len(tree)).to(self.device)
            nats -= float(branch_log_probs(self.language_model, batch).branches_K.sum())
            targets += batch.num_targets
        if not self.trainer.sanity_checking:
            self._record({"validation/loss": nats / targets})
