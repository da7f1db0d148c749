"""Optimisation: AdamW with a cosine schedule after a warm-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.settings import Settings, setting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn
    from torch.optim import AdamW
    from torch.optim.lr_scheduler import LambdaLR


@dataclass
class Optimizer(Settings):
    """AdamW (Loshchilov & Hutter 2019), its schedule, and how many examples make a step.

    The defaults are the paper's for SFT of the joint model, except for the learning rate of LoRA.
    """

    learning_rate: float = setting(2e-4, above=0)
    """Peak learning rate. The paper's full fine-tuning takes 2e-5; adapters need about ten times that."""
    batch_size: int = setting(8, minimum=1)
    """Examples (token trees) an optimizer step, over all devices and accumulation."""
    epochs: int = setting(8, minimum=1)
    """Passes over the training examples."""
    warmup_share: float = setting(0.1, minimum=0, maximum=1)
    """Share of all steps in which the learning rate rises from zero; then it falls to zero along a cosine."""
    weight_decay: float = setting(0.0, minimum=0)
    """Decoupled weight decay."""
    beta1: float = setting(0.9, minimum=0, below=1)
    """Decay of the gradient's running mean."""
    beta2: float = setting(0.999, minimum=0, below=1)
    """Decay of the squared gradient's running mean."""
    max_gradient_norm: float = setting(1.0, above=0)
    """A gradient of a larger norm, over all trained parameters, is scaled down to this one."""

    def build(self, parameters: Iterable[nn.Parameter], num_steps: int) -> tuple[AdamW, LambdaLR]:
        """Return the optimizer of `parameters` and its schedule over `num_steps` steps."""
        from torch.optim import AdamW
        from transformers import get_cosine_schedule_with_warmup

        optimizer = AdamW(
            parameters,
            lr=self.learning_rate,
            betas=(self.beta1, self.beta2),
            weight_decay=self.weight_decay,
            fused=True,  # or else each step takes memory for one more copy of all that is trained
        )
        warmup_steps = round(self.warmup_share * num_steps)
        return optimizer, get_cosine_schedule_with_warmup(optimizer, warmup_steps, num_steps)
