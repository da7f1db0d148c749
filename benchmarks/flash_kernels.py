"""FlashAttention-2 as PyTorch ships it, under the names of the package `flash_attn`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def flash_attn_varlen_func(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    cu_seqlens_q: Tensor,
    cu_seqlens_k: Tensor,
    max_seqlen_q: int,
    max_seqlen_k: int,
    dropout_p: float = 0.0,
    softmax_scale: float | None = None,
    causal: bool = False,
    **options: Any,
) -> Tensor:
    """Attention within each of several sequences in one row."""
    _refuse(options)
    return _attention(
        (q, k, v),
        (cu_seqlens_q, cu_seqlens_k),
        (int(max_seqlen_q), int(max_seqlen_k)),
        dropout_p,
        softmax_scale,
        causal,
    )


def flash_attn_func(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    dropout_p: float = 0.0,
    softmax_scale: float | None = None,
    causal: bool = False,
    **options: Any,
) -> Tensor:
    """Attention in a batch of sequences of one length."""
    _refuse(options)
    return _attention((q, k, v), (None, None), (q.shape[1], k.shape[1]), dropout_p, softmax_scale, causal)


def flash_attn_with_kvcache(*arguments: Any, **named: Any) -> Tensor:
    """Only generation would need it."""
    raise NotImplementedError


def _refuse(options: dict[str, Any]) -> None:
    if asked := [name for name, value in options.items() if value not in (None, False, 0.0, (-1, -1))]:
        raise NotImplementedError(f"attention with {', '.join(asked)}")


def _attention(
    heads: tuple[Tensor, Tensor, Tensor],
    starts: tuple[Tensor | None, Tensor | None],
    longest: tuple[int, int],
    dropout: float,
    scale: float | None,
    causal: bool,
) -> Tensor:
    if dropout:
        raise NotImplementedError
    out: Tensor = torch.ops.aten._flash_attention_forward(*heads, *starts, *longest, 0.0, causal, False, scale=scale)[0]
    return out
