"""The network of `Career`.

Shapes: B careers, T positions, C occupations, H hidden size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, logsigmoid


class CareerNetwork(nn.Module):
    """A causal transformer (pre-norm) with a head for staying; where to move is told by products with the embeddings.

    Args:
        num_occupations: C; the input C stands for the start of a career.
        hidden_size: H, even.
        num_layers: blocks.
        num_heads: attention heads of a block.
        dropout: share of hidden numbers blanked in training.
    """

    def __init__(self, num_occupations: int, hidden_size: int, num_layers: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.occupations = nn.Embedding(num_occupations + 1, hidden_size)
        self.dropout = nn.Dropout(dropout)
        block = nn.TransformerEncoderLayer(
            hidden_size, num_heads, 2 * hidden_size, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, num_layers, nn.LayerNorm(hidden_size), enable_nested_tensor=False)
        self.stay = nn.Linear(hidden_size, 1)
        self.bias = nn.Parameter(torch.zeros(num_occupations))
        # So large that the first products of embeddings with a hidden state are of size 1.
        nn.init.normal_(self.occupations.weight, std=hidden_size**-0.5)

    def forward(self, inputs_BT: Tensor) -> Tensor:
        """Log-probabilities of the occupation after each of `inputs_BT`, (B, T, C)."""
        embedded_BTH = self.occupations(inputs_BT)
        length, hidden_size = embedded_BTH.shape[1:]
        hidden_BTH = self.dropout(embedded_BTH + sinusoids(length, hidden_size))
        mask_TT = nn.Transformer.generate_square_subsequent_mask(length)
        hidden_BTH = self.blocks(hidden_BTH, mask=mask_TT, is_causal=True)
        move_BTC = linear(hidden_BTH, self.occupations.weight[:-1], self.bias)
        return stay_or_move(inputs_BT, self.stay(hidden_BTH), move_BTC)


def stay_or_move(last_BT: Tensor, stay_BT1: Tensor, move_BTC: Tensor) -> Tensor:
    """Mix the two decisions: log-probabilities, (B, T, C).

    Args:
        last_BT: the occupation to stay in; C where there is none.
        stay_BT1: logits of staying.
        move_BTC: logits of the occupations to move to; that of the last one is not read.
    """
    is_last_BTC = last_BT.unsqueeze(-1) == torch.arange(move_BTC.shape[-1])
    # The lowest finite number, not minus infinity, so that gradients stay finite where there is no other occupation.
    others_BTC = move_BTC.masked_fill(is_last_BTC, torch.finfo(move_BTC.dtype).min).log_softmax(-1)
    has_last_BT1 = is_last_BTC.any(-1, keepdim=True)
    return torch.where(
        is_last_BTC, logsigmoid(stay_BT1), others_BTC + logsigmoid(-stay_BT1).masked_fill(~has_last_BT1, 0.0)
    )


def sinusoids(length: int, hidden_size: int) -> Tensor:
    """Sines and cosines of each place at falling frequencies, (T, H) (Vaswani et al. 2017): no longest career."""
    frequencies = 10_000.0 ** (-torch.arange(0, hidden_size, 2) / hidden_size)
    angles = torch.arange(length).unsqueeze(1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)
