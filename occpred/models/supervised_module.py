"""Fine-tuning on replies: what the modules share that differ in how they are validated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from occpred.models.tree_module import TreeModule
from occpred.trees.log_probs import branch_log_probs

if TYPE_CHECKING:
    from occpred.models.objective import SupervisedLoss
    from occpred.training.optimizer import Optimizer
    from occpred.training.steps import OptimizerStep
    from occpred.trees.packing import TreeBatch


class SupervisedModule(TreeModule):
    """Learns the branches of its trees by `objective`."""

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
        """Return this micro-batch's share of the loss on replies."""
        return self._objective(branch_log_probs(self.language_model, batch), step)
