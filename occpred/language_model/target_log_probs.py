"""Log-probabilities of given tokens, without the probabilities of all others in memory.

A vocabulary is 152,000 wide. Logits exist for one chunk of tokens at a time, in the forward and in the backward pass.

Shapes: N tokens, C tokens of a chunk, D hidden size, V vocabulary.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

_CHUNK = 1024
"""Tokens whose logits exist at one time: 1,024 of a 152k vocabulary in float32 take 0.6 GB."""


def target_log_probs(hidden_ND: Tensor, targets_N: Tensor, output_embeddings: nn.Module) -> Tensor:
    """Return the log-probability of each target under the hidden state that predicts it, in float32.

    The output embeddings are called once, chunk by chunk inside: where weights are shards, each call gathers them anew.
    """
    logits = output_embeddings.forward

    def in_chunks(hidden_ND: Tensor) -> Tensor:
        if _is_frozen(output_embeddings) and not torch.is_autocast_enabled(hidden_ND.device.type):
            found: Tensor = _UnderFrozenWeight.apply(hidden_ND, output_embeddings.weight, targets_N)  # type: ignore[no-untyped-call]
            return found
        chunks = zip(torch.split(hidden_ND, _CHUNK), torch.split(targets_N, _CHUNK), strict=True)
        return torch.cat([_recomputed(logits, hidden_CD, targets_C) for hidden_CD, targets_C in chunks])

    output_embeddings.forward = in_chunks
    try:
        log_probs_N: Tensor = output_embeddings(hidden_ND)
    finally:
        del output_embeddings.forward
    return log_probs_N


def _is_frozen(output_embeddings: nn.Module) -> bool:
    return (
        type(output_embeddings) is nn.Linear
        and output_embeddings.bias is None
        and not output_embeddings.weight.requires_grad
    )


def _recomputed(logits: Any, hidden_CD: Tensor, targets_C: Tensor) -> Tensor:
    """Of a chunk, whose logits are forgotten and computed again for the backward pass."""

    def log_probs(hidden_CD: Tensor, targets_C: Tensor) -> Tensor:
        return -nn.functional.cross_entropy(logits(hidden_CD).float(), targets_C, reduction="none")

    log_probs_C: Tensor = checkpoint(log_probs, hidden_CD, targets_C, use_reentrant=False)
    return log_probs_C


class _UnderFrozenWeight(torch.autograd.Function):
    """A log-probability depends on its own hidden state alone, so its gradient is known while its logits are there."""

    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
        with_gradient = ctx.needs_input_grad[0]
        compute = _compiled() if hidden_ND.is_cuda else _of_chunk_in_place
        chunks = [
            compute(hidden_CD, weight_VD, targets_C, with_gradient)
            for hidden_CD, targets_C in zip(torch.split(hidden_ND, _CHUNK), torch.split(targets_N, _CHUNK), strict=True)
        ]
        log_probs, gradients = zip(*chunks, strict=True)
        if with_gradient:
            ctx.save_for_backward(torch.cat(gradients))
        return torch.cat(log_probs)

    @staticmethod
    def backward(ctx: Any, gradient_N: Tensor) -> tuple[Tensor, None, None]:
        (of_hidden_ND,) = ctx.saved_tensors
        return of_hidden_ND * gradient_N[:, None].to(of_hidden_ND.dtype), None, None


@cache
def _compiled() -> Any:
    return torch.compile(_of_chunk, dynamic=True)


def _of_chunk(
    hidden_CD: Tensor, weight_VD: Tensor, targets_C: Tensor, with_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """Return the log-probabilities (C), and their gradients with respect to the hidden states (C, D) if asked for."""
    logits_CV = (hidden_CD @ weight_VD.t()).float()
    log_normaliser_C1 = logits_CV.logsumexp(dim=1, keepdim=True)
    log_probs_C = logits_CV.gather(1, targets_C[:, None])[:, 0] - log_normaliser_C1[:, 0]
    if not with_gradient:
        return log_probs_C, None
    vocabulary_V = torch.arange(logits_CV.shape[1], device=logits_CV.device)
    probs_CV = (logits_CV - log_normaliser_C1).exp()
    of_logits_CV = torch.where(vocabulary_V == targets_C[:, None], 1.0 - probs_CV, -probs_CV)
    return log_probs_C, of_logits_CV.to(hidden_CD.dtype) @ weight_VD


def _of_chunk_in_place(
    hidden_CD: Tensor, weight_VD: Tensor, targets_C: Tensor, with_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """The same in the logits' own memory: where nothing is compiled, each operation is a pass over it."""
    logits_CV = (hidden_CD @ weight_VD.t()).float()
    largest_C1, targets_C1 = logits_CV.amax(dim=1, keepdim=True), targets_C[:, None]
    of_targets_C1 = logits_CV.gather(1, targets_C1) - largest_C1
    exponentials_CV = logits_CV.sub_(largest_C1).exp_()
    sums_C1 = exponentials_CV.sum(dim=1, keepdim=True)
    log_probs_C = (of_targets_C1 - sums_C1.log())[:, 0]
    if not with_gradient:
        return log_probs_C, None
    of_logits_CV = exponentials_CV.div_(-sums_C1).scatter_add_(1, targets_C1, torch.ones_like(sums_C1))
    return log_probs_C, of_logits_CV.to(hidden_CD.dtype) @ weight_VD
