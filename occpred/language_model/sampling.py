"""Random draws that do not depend on the batch.

Shapes: B texts of one batch, T tokens so far, V tokens of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import LogitsProcessor


class SeededDraws(LogitsProcessor):  # type: ignore[misc]
    """Makes the most probable token a random draw: the argmax of logits plus Gumbel noise is a draw from their softmax.

    Each text has a random generator of its own, so what is drawn for it does not depend on which texts share its batch.

    Args:
        temperature: what logits are divided by.
        seed: of all texts.
        draws: a number for each text, not negative, by which its draws differ from those of others, (B,).
        device: where the logits are.
    """

    def __init__(self, temperature: float, seed: int, draws: Sequence[int], device: torch.device) -> None:
        self._temperature = temperature
        seeds = [int(np.random.SeedSequence([seed, draw]).generate_state(1, np.uint64)[0]) for draw in draws]
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Add noise to the logits of the next token, (B, V)."""
        noise_BV = torch.stack([self._gumbel(scores[0], generator) for generator in self._generators])
        return scores / self._temperature + noise_BV

    def _gumbel(self, like_V: Tensor, generator: torch.Generator) -> Tensor:
        # The negative logarithm of an exponential variable is a Gumbel variable.
        return -torch.empty_like(like_V).exponential_(generator=generator).log()
