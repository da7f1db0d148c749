"""From token trees to log-probabilities: of branch tokens only.

Shapes: B rows, T tokens a row, D hidden size, V vocabulary, N scored tokens, K branches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn

from occpred.trees.packing import TreeBatch

_CHUNK = 1024
"""Scored tokens whose logits exist at one time: 1,024 of a 152k vocabulary in float32 take 0.6 GB."""


@dataclass(frozen=True)
class BranchLogProbs:
    """Log-probabilities given the ancestors: of each scored token (N) and of each whole branch (K)."""

    tokens_N: Tensor
    branches_K: Tensor


def ancestor_mask(ends_BT: Tensor) -> Tensor:
    """Return the attention mask (B, 1, T, T): entry [.., i, j] says that token j is token i or one of its ancestors."""
    index_T = torch.arange(ends_BT.shape[1], device=ends_BT.device)
    query_T1, key_1T = index_T[:, None], index_T[None, :]
    return ((key_1T <= query_T1) & (query_T1 < ends_BT[:, None, :])).unsqueeze(1)


def branch_log_probs(model: nn.Module, batch: TreeBatch) -> BranchLogProbs:
    """Evaluate every branch of `batch` in one forward pass; prompts are computed once, and no prompt token gets logits.

    Args:
        model: a Hugging Face causal language model, with or without PEFT layers injected.
        batch: the packed trees, on the model's device.

    Returns:
        Float32 log-probabilities that carry gradients to the model's trainable parameters.
    """
    causal_lm: Any = model
    if isinstance(model, PeftModel):
        causal_lm = model.get_base_model()
    hidden_BTD = causal_lm.get_decoder()(
        input_ids=batch.tokens_BT,
        attention_mask=ancestor_mask(batch.ends_BT),
        position_ids=batch.positions_BT,
        use_cache=False,
    ).last_hidden_state
    hidden_ND = hidden_BTD.flatten(0, 1)[batch.parents_N]
    targets_N = batch.tokens_BT.flatten()[batch.scored_N]
    tokens_N = _target_log_probs(hidden_ND, targets_N, causal_lm.get_output_embeddings())
    branches_K = tokens_N.new_zeros(batch.num_branches)
    branches_K = branches_K.index_add(0, batch.path_branches_M, tokens_N[batch.path_nodes_M])
    return BranchLogProbs(tokens_N, branches_K)


def _target_log_probs(hidden_ND: Tensor, targets_N: Tensor, output_embeddings: nn.Module) -> Tensor:
    """Call the output embeddings once, chunk by chunk inside: where weights are shards, each call gathers them anew."""
    logits = output_embeddings.forward

    def in_chunks(hidden_ND: Tensor) -> Tensor:
        chunks = [
            -nn.functional.cross_entropy(logits(hidden_CD).float(), targets_C, reduction="none")
            for hidden_CD, targets_C in zip(torch.split(hidden_ND, _CHUNK), torch.split(targets_N, _CHUNK), strict=True)
        ]
        return torch.cat(chunks)

    output_embeddings.forward = in_chunks
    try:
        log_probs_N: Tensor = output_embeddings(hidden_ND)
    finally:
        del output_embeddings.forward
    return log_probs_N
