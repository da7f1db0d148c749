"""What is lost where frozen weights are held in fewer bits than the backbone's own.

Shapes: N scored tokens, W trained weights.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from occpred.trees.log_probs import branch_log_probs
from occpred.trees.packing import TreeBatch


@dataclass(frozen=True)
class RoundingLoss:
    """A batch under the rounded backbone, against the same batch under the backbone as it is.

    Attributes:
        log_prob_shift: mean absolute difference of the log-probabilities of target tokens, in nats.
        largest_log_prob_shift: the largest.
        gradient_cosine: cosine of the angle between the first gradients, of the mean negative log-likelihood with
            respect to all that is trained; 1 where rounding changes no direction.
    """

    log_prob_shift: float
    largest_log_prob_shift: float
    gradient_cosine: float

    def summary(self) -> dict[str, float]:
        """The figures, by names that say what they are of."""
        return {f"rounding_{name}": value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class FirstLook:
    """What an untrained model makes of a batch: its log-probabilities (N), and the gradient (W) of their mean."""

    log_probs_N: Tensor
    gradient_W: Tensor

    @classmethod
    def of(cls, model: nn.Module, batch: TreeBatch) -> FirstLook:
        """Look at `batch`, which lies on the model's device; the model and its gradients stay as they are."""
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        log_probs_N = branch_log_probs(model, batch).tokens_N
        gradients = torch.autograd.grad(-log_probs_N.mean(), trained)
        return cls(log_probs_N.detach().cpu(), torch.cat([each.flatten().float().cpu() for each in gradients]))

    def against(self, exact: FirstLook) -> RoundingLoss:
        """Compare with the look at the same batch of a model whose weights are not rounded."""
        shift_N = (self.log_probs_N - exact.log_probs_N).abs()
        cosine = torch.nn.functional.cosine_similarity(self.gradient_W, exact.gradient_W, dim=0)
        return RoundingLoss(float(shift_N.mean()), float(shift_N.max()), float(cosine))
