"""When a text that is being written has come to its end.

Shapes: B texts of one batch, T tokens so far.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase, StoppingCriteria


class StopAtText(StoppingCriteria):  # type: ignore[misc]
    """Ends each text of a batch once `stop` stands in what was written after the prompt."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop: str, prompt_length: int) -> None:
        self._tokenizer = tokenizer
        self._stop = stop
        self._prompt_length = prompt_length
        # A token holds at least one byte of the stop text, so this many tokens hold all of it.
        self._window = len(stop.encode()) + 1

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:
        """Tell which of the B texts are finished, (B,) bool."""
        first = max(self._prompt_length, input_ids.shape[1] - self._window)
        tails = self._tokenizer.batch_decode(input_ids[:, first:])
        return torch.tensor([self._stop in tail for tail in tails], device=input_ids.device)
