"""How much arithmetic a training step needs: what counts as useful, whoever computes more than that.

A frozen weight costs 2 operations a token forward and 2 backward (its input's gradient), an adapter's weight 6. Output
embeddings are needed for completion tokens only. Attention is causal, a prompt is needed once for all its completions,
and backward costs twice what forward does. Padding, what is computed again, and logits of prompts earn nothing. Every
layer counts for every token: that nothing of a prompt is needed after the last layer's attention, which we leave out
(2% of an 8B model), is not taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True)
class Arithmetic:
    """A language model's weights, as far as they are multiplied with something for every token.

    Attributes:
        decoder: weights of the linear layers in the decoder.
        output: weights of the output embeddings.
        adapters: weights of LoRA adapters on the former.
        attention: layers x heads x size of a head.
    """

    decoder: int
    output: int
    adapters: int
    attention: int

    @classmethod
    def of(cls, model: Any, rank: int) -> Arithmetic:
        """Count those of a Hugging Face model, before it is adapted, with adapters of `rank` on all linear layers."""
        linear = [layer for layer in model.get_decoder().modules() if isinstance(layer, nn.Linear)]
        config = model.config
        head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        return cls(
            decoder=sum(layer.in_features * layer.out_features for layer in linear),
            output=model.get_output_embeddings().weight.numel(),
            adapters=rank * sum(layer.in_features + layer.out_features for layer in linear),
            attention=config.num_hidden_layers * config.num_attention_heads * head_size,
        )

    def training(self, prompt: int, completions: Sequence[int]) -> float:
        """Operations to learn completions of these lengths after a prompt of that length, adapters only."""
        targets = sum(completions)
        tokens = prompt + targets
        seen = prompt * (prompt + 1) / 2 + sum(length * (prompt + (length + 1) / 2) for length in completions)
        return (
            4 * self.decoder * tokens
            + 4 * self.output * targets
            + 6 * self.adapters * tokens
            + (3 * 4 * self.attention * seen)
        )
