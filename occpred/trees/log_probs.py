"""From token trees to log-probabilities: of branch tokens only.

Shapes: B rows, T tokens a row, N scored tokens, K branches, M steps of all branches' paths, D hidden size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from occpred.language_model.decoder import hidden_states
from occpred.language_model.target_log_probs import target_log_probs
from occpred.trees.attention import ancestor_attention
from occpred.trees.packing import TreeBatch


@dataclass(frozen=True)
class BranchLogProbs:
    """Log-probabilities given the ancestors: of each scored token (N) and of each whole branch (K)."""

    tokens_N: Tensor
    branches_K: Tensor


def branch_log_probs(model: nn.Module, batch: TreeBatch) -> BranchLogProbs:
    """Evaluate every branch of `batch` in one forward pass; prompts are computed once, and no prompt token gets logits.

    Args:
        model: a Hugging Face causal language model, with or without PEFT layers injected.
        batch: the packed trees, on the model's device.

    Returns:
        Float32 log-probabilities that carry gradients to the model's trainable parameters.
    """
    causal_lm: Any = model  # PEFT's models pass on what is asked of them
    attention = ancestor_attention(batch, _compute_dtype(causal_lm, batch.tokens_BT.device))
    hidden_ND = hidden_states(causal_lm, batch.tokens_BT, batch.positions_BT, attention, batch.parents_N)
    targets_N = batch.tokens_BT.flatten()[batch.scored_N]
    tokens_N = target_log_probs(hidden_ND, targets_N, causal_lm.get_output_embeddings())
    # Not `index_add`, which adds on a GPU in whatever order its threads come; nor with checks, which wait for the GPU.
    branches_K = torch.segment_reduce(tokens_N[batch.path_nodes_M], "sum", lengths=batch.lengths_K, unsafe=True)
    return BranchLogProbs(tokens_N, branches_K)


def _compute_dtype(causal_lm: Any, device: torch.device) -> torch.dtype:
    if torch.is_autocast_enabled(device.type):
        return torch.get_autocast_dtype(device.type)
    dtype: torch.dtype = causal_lm.get_input_embeddings().weight.dtype
    return dtype
