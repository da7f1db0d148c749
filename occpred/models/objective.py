"""What fine-tuning minimises.

Shapes: K branches (see occpred.trees).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from occpred.training.steps import OptimizerStep
    from occpred.trees.log_probs import BranchLogProbs


@dataclass
class SupervisedLoss(Settings):
    """Negative log-likelihood of the completions, per target token of the whole optimizer step.

    A token's weight does not depend on which micro-batch or device it falls into, so accumulation changes nothing.
    """

    def __call__(self, log_probs: BranchLogProbs, step: OptimizerStep) -> Tensor:
        """Return the share of the step's loss that these branches (K) contribute, a scalar."""
        return -log_probs.branches_K.sum() / step.num_targets
