"""Attention with a memory: what a model has read once it need not read again.

Shapes: B rows, T tokens of a row in this pass, K tokens of a row so far, H query heads, G key and value heads, Q = T x
H / G queries, E size of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention


class RememberingAttention:
    """Attention to tokens of this and of earlier forward passes; the layers of a decoder call it in turn.

    Attributes:
        mask_BTK: which keys, old and new, each token sees; `None` in the first pass, which is causal.
    """

    def __init__(self) -> None:
        self.mask_BTK: Tensor | None = None
        self._past: list[tuple[Tensor, Tensor]] = []
        self._calls = 0

    def keep(self, rows: Tensor) -> None:
        """Forget all rows but these, in this order."""
        self._past = [(key_BGKE[rows], value_BGKE[rows]) for key_BGKE, value_BGKE in self._past]

    # What it does differs from layer to layer, and the layers around it are compiled as one.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def __call__(self, query_BTHE: Tensor, key_BTGE: Tensor, value_BTGE: Tensor, scale: float) -> Tensor:
        """Return the attended values (B, T, H, E)."""
        query_BHTE, key_BGTE, value_BGTE = (each.transpose(1, 2) for each in (query_BTHE, key_BTGE, value_BTGE))
        if self.mask_BTK is None:
            self._past.append((key_BGTE.contiguous(), value_BGTE.contiguous()))
            attended_BHTE = scaled_dot_product_attention(
                query_BHTE, key_BGTE, value_BGTE, is_causal=True, scale=scale, enable_gqa=True
            )
            return attended_BHTE.transpose(1, 2)
        layer, self._calls = self._calls % len(self._past), self._calls + 1
        past_key_BGKE, past_value_BGKE = self._past[layer]
        key_BGKE, value_BGKE = torch.cat((past_key_BGKE, key_BGTE), dim=2), torch.cat((past_value_BGKE, value_BGTE), 2)
        self._past[layer] = key_BGKE, value_BGKE
        # Query heads that share keys stand behind each other as so many more queries: no key is ever repeated.
        batch, heads, tokens, size = query_BHTE.shape
        groups = key_BGKE.shape[1]
        query_BGQE = query_BHTE.reshape(batch, groups, -1, size)
        mask_B1QK = self.mask_BTK.repeat(1, heads // groups, 1).unsqueeze(1)
        attended_BGQE = scaled_dot_product_attention(query_BGQE, key_BGKE, value_BGKE, attn_mask=mask_B1QK, scale=scale)
        return attended_BGQE.reshape(batch, heads, tokens, size).transpose(1, 2)
