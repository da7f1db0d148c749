"""The network of `Gru4Rec`.

Shapes: B careers, T positions, C occupations, H hidden size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class Gru4RecNetwork(nn.Module):
    """One GRU layer on embedded occupations, and the products of its states with the same embeddings.

    Args:
        num_occupations: C; the input C stands for the start of a career.
        hidden_size: H.
        dropout: share of embedded numbers and of states blanked in training.
    """

    def __init__(self, num_occupations: int, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.occupations = nn.Embedding(num_occupations + 1, hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.gru = nn.GRU(hidden_size, hidden_size, batch_first=True)
        self.bias = nn.Parameter(torch.zeros(num_occupations))
        # So large that the first products of embeddings with a state are small.
        nn.init.normal_(self.occupations.weight, std=hidden_size**-0.5)

    def forward(self, inputs_BT: Tensor) -> Tensor:
        """Log-probabilities of the occupation after each of `inputs_BT`, (B, T, C)."""
        states_BTH, _ = self.gru(self.dropout(self.occupations(inputs_BT)))
        logits_BTC = linear(self.dropout(states_BTH), self.occupations.weight[:-1], self.bias)
        return logits_BTC.log_softmax(-1)
