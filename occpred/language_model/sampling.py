"""Random draws that do not depend on the batch.

Shapes: B texts of one batch, V tokens of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class SeededDraws:
    """Makes the most probable token a random draw: the argmax of logits plus Gumbel noise is a draw from their softmax.

    Each text has a random generator of its own, so what is drawn for it does not depend on which texts share its batch.

    Args:
        temperature: what logits are divided by; at 0 the most probable token stays what it is.
        seed: of all texts.
        draws: a number for each text, not negative, by which its draws differ from those of others, (B,).
        device: where the logits are.
    """

    def __init__(self, temperature: float, seed: int, draws: Sequence[int], device: torch.device) -> None:
        self._temperature = temperature
        seeds = [int(np.random.SeedSequence([seed, draw]).generate_state(1, np.uint64)[0]) for draw in draws]
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def keep(self, places: Sequence[int]) -> None:
        """Go on with the texts at these places of the batch, in this order."""
        self._generators = [self._generators[place] for place in places]

    def __call__(self, logits_BV: Tensor) -> Tensor:
        """Draw the next token of each text, (B,)."""
        if not self._temperature:
            return logits_BV.argmax(dim=1)
        noise_BV = torch.stack([self._gumbel(logits_BV[0], generator) for generator in self._generators])
        return (logits_BV / self._temperature + noise_BV).argmax(dim=1)

    def _gumbel(self, like_V: Tensor, generator: torch.Generator) -> Tensor:
        # The negative logarithm of an exponential variable is a Gumbel variable.
        return -torch.empty_like(like_V).exponential_(generator=generator).log()
