"""Norms and rotary embeddings of a decoder layer, in few passes over memory where nothing compiles them.

A compiler makes one pass of many operations. Without one each is a pass of its own, in the backward pass two or three,
and in a small model on a CPU they take longer than the matrix products. Here gradients are written out by hand.

Shapes: X any axes, H heads, E size of a head, D what is normalised over.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def normed(norm: Any, states_XD: Tensor) -> Tensor:
    """Return what `norm`, an RMSNorm of Hugging Face, makes of `states_XD`, in whatever axes X."""
    if not norm.weight.requires_grad and _counts_passes(states_XD):
        normed_XD: Tensor = _Norm.apply(states_XD, norm.weight, norm.variance_epsilon)  # type: ignore[no-untyped-call]
    else:
        normed_XD = norm(states_XD)
    return normed_XD


def rotated(heads_XHE: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary position embedding (Su et al. 2021) in the layout of Llama: the two halves of a head are the pairs."""
    cosine_X1E, sine_X1E = (each.unsqueeze(-2) for each in rotation)
    if _counts_passes(heads_XHE):
        rotated_XHE: Tensor = _Rotation.apply(heads_XHE, cosine_X1E, sine_X1E)  # type: ignore[no-untyped-call]
        return rotated_XHE
    first, second = heads_XHE.chunk(2, dim=-1)
    return heads_XHE * cosine_X1E + torch.cat((-second, first), dim=-1) * sine_X1E


def _counts_passes(states: Tensor) -> bool:
    # Other formats are converted on the way, each in the place where Hugging Face does so.
    return states.dtype == torch.float32 and not torch.compiler.is_compiling()


class _Norm(torch.autograd.Function):
    """Root mean square normalisation (Zhang & Sennrich 2019) with a frozen weight."""

    @staticmethod
    def forward(ctx: Any, states_XD: Tensor, weight_D: Tensor, epsilon: float) -> Tensor:
        inverse_X1 = states_XD.square().mean(dim=-1, keepdim=True).add_(epsilon).rsqrt_()
        unit_XD = states_XD * inverse_X1
        ctx.save_for_backward(unit_XD, inverse_X1, weight_D)
        return unit_XD * weight_D

    @staticmethod
    def backward(ctx: Any, gradient_XD: Tensor) -> tuple[Tensor, None, None]:
        unit_XD, inverse_X1, weight_D = ctx.saved_tensors
        of_unit_XD = gradient_XD * weight_D
        along_X1 = (of_unit_XD * unit_XD).mean(dim=-1, keepdim=True)
        return of_unit_XD.addcmul_(unit_XD, along_X1, value=-1).mul_(inverse_X1), None, None


class _Rotation(torch.autograd.Function):
    """Its gradient is turned back by the same angles."""

    @staticmethod
    def forward(ctx: Any, heads_XHE: Tensor, cosine_X1E: Tensor, sine_X1E: Tensor) -> Tensor:
        ctx.save_for_backward(cosine_X1E, sine_X1E)
        return _turned(heads_XHE, cosine_X1E, sine_X1E, 1)

    @staticmethod
    def backward(ctx: Any, gradient_XHE: Tensor) -> tuple[Tensor, None, None]:
        cosine_X1E, sine_X1E = ctx.saved_tensors
        return _turned(gradient_XHE, cosine_X1E, sine_X1E, -1), None, None


def _turned(heads_XHE: Tensor, cosine_X1E: Tensor, sine_X1E: Tensor, direction: int) -> Tensor:
    first, second = heads_XHE.chunk(2, dim=-1)
    sine_of_first, sine_of_second = sine_X1E.chunk(2, dim=-1)
    turned_XHE = heads_XHE * cosine_X1E
    of_first, of_second = turned_XHE.chunk(2, dim=-1)
    of_first.addcmul_(second, sine_of_first, value=-direction)
    of_second.addcmul_(first, sine_of_second, value=direction)
    return turned_XHE
