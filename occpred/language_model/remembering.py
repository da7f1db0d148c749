"""Attention with a memory: what a model has read once it need not read again.

Shapes: B rows, T tokens of a row in this pass, K tokens that there is room for in a row, M tokens to be remembered, H
query heads, G key and value heads, Q = T x H / G queries, E size of a head; 2 stands for keys and values.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

_BLOCK = 128
"""Room for tokens is made in blocks, so that what is remembered is seldom copied; kernels want their masks aligned."""


def rounded_room(tokens: int) -> int:
    """Room for so many tokens of one row, in whole blocks."""
    return -(-tokens // _BLOCK) * _BLOCK


class RememberingAttention:
    """Attention to tokens of this and of earlier forward passes; the layers of a decoder call it in turn.

    Tokens are remembered one behind the other, each row's by itself, so that no row pays for what another reads.
    """

    def __init__(self) -> None:
        self._past: list[Tensor] = []  # of each layer, (2, B, K, G, E)
        self._layer = 0

    def expect(self, sources_M: Tensor, places_M: Tensor, room: int, mask_BTK: Tensor | None) -> None:
        """Prepare for a forward pass.

        Args:
            sources_M: which tokens of the pass are to be remembered, as flat indices (row * T + column).
            places_M: where, as flat indices (row * K + place).
            room: K, no less than before.
            mask_BTK: which remembered tokens, old and new, each token sees; `None` in the first pass, which is causal.
        """
        self._sources_M, self._places_M, self._room, self._mask_BTK = sources_M, places_M, room, mask_BTK
        self._layer = 0

    def keep(self, rows: Tensor, room: int) -> None:
        """Forget all rows but these, in this order, and all places but the first ones."""
        for layer, past_2BKGE in enumerate(self._past):  # one by one, so that little exists twice at any time
            self._past[layer] = past_2BKGE[:, :, :room].index_select(1, rows)

    def __call__(self, query_BTHE: Tensor, key_BTGE: Tensor, value_BTGE: Tensor, scale: float) -> Tensor:
        """Return the attended values (B, T, H, E)."""
        past_2BKGE = self._remember(key_BTGE, value_BTGE)
        query_BHTE = query_BTHE.transpose(1, 2)
        if self._mask_BTK is None:
            attended_BHTE = scaled_dot_product_attention(
                query_BHTE,
                key_BTGE.transpose(1, 2),
                value_BTGE.transpose(1, 2),
                is_causal=True,
                scale=scale,
                enable_gqa=True,
            )
            return attended_BHTE.transpose(1, 2)
        # Query heads that share keys stand behind each other as so many more queries: no key is ever repeated.
        batch, heads, tokens, size = query_BHTE.shape
        groups = key_BTGE.shape[2]
        if self._mask_BTK.shape[1] == tokens:
            self._mask_BTK = self._mask_BTK.repeat(1, heads // groups, 1)
        key_BGKE, value_BGKE = past_2BKGE.transpose(2, 3)
        attended_BGQE = scaled_dot_product_attention(
            query_BHTE.reshape(batch, groups, -1, size),
            key_BGKE,
            value_BGKE,
            attn_mask=self._mask_BTK.unsqueeze(1),
            scale=scale,
        )
        return attended_BGQE.reshape(batch, heads, tokens, size).transpose(1, 2)

    def _remember(self, key_BTGE: Tensor, value_BTGE: Tensor) -> Tensor:
        """Put new keys and values where they belong; return all that the layer remembers."""
        new_2BTGE = torch.stack((key_BTGE, value_BTGE))
        if self._layer == len(self._past):
            self._past.append(new_2BTGE[:, :, :0])
        past_2BKGE = self._past[self._layer]
        if missing := self._room - past_2BKGE.shape[2]:
            # Zeros, for what is masked is multiplied all the same.
            past_2BKGE = self._past[self._layer] = pad(past_2BKGE, (0, 0, 0, 0, 0, missing))
        size = past_2BKGE.shape[3:]
        past_2BKGE.view(2, -1, *size)[:, self._places_M] = new_2BTGE.view(2, -1, *size)[:, self._sources_M]
        self._layer += 1
        return past_2BKGE
