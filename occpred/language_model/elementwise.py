"""Norms and rotary embeddings of a decoder layer, in few passes over memory where nothing compiles them.

A compiler makes one pass of many operations. Without one each is a pass of its own, in the backward pass two or three,
and in a small model on a CPU they take longer than the matrix products. Here gradients are written out by hand.

Shapes: B rows, T tokens a row, H heads, E size of a head, D what is normalised over.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def normed(norm: Any, states_XD: Tensor) -> Tensor:
    """Return what `norm`, an RMSNorm of Hugging Face, makes of `states_XD`, of which X stands for any axes."""
    # Of a weight that is divided among processes DeepSpeed leaves an empty one in the module.
    is_plain = not norm.weight.requires_grad and norm.weight.shape == states_XD.shape[-1:]
    if is_plain and _counts_passes(states_XD):
        normed_XD: Tensor = _Norm.apply(states_XD, norm.weight, norm.variance_epsilon)  # type: ignore[no-untyped-call]
    else:
        normed_XD = norm(states_XD)
    return normed_XD


def rotated(heads_BTHE: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary position embedding (Su et al. 2021) in the layout of Llama: the two halves of a head are the pairs."""
    cosine_BT1E, sine_BT1E = (each.unsqueeze(2) for each in rotation)
    if _counts_passes(heads_BTHE):
        rotated_BTHE: Tensor = _Rotation.apply(heads_BTHE, cosine_BT1E, sine_BT1E)  # type: ignore[no-untyped-call]
        return rotated_BTHE
    first, second = heads_BTHE.chunk(2, dim=-1)
    return heads_BTHE * cosine_BT1E + torch.cat((-second, first), dim=-1) * sine_BT1E


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
    def forward(ctx: Any, heads_BTHE: Tensor, cosine_BT1E: Tensor, sine_BT1E: Tensor) -> Tensor:
        ctx.save_for_backward(cosine_BT1E, sine_BT1E)
        return _turned(heads_BTHE, cosine_BT1E, sine_BT1E, 1)

    @staticmethod
    def backward(ctx: Any, gradient_BTHE: Tensor) -> tuple[Tensor, None, None]:
        cosine_BT1E, sine_BT1E = ctx.saved_tensors
        return _turned(gradient_BTHE, cosine_BT1E, sine_BT1E, -1), None, None


def _turned(heads_BTHE: Tensor, cosine_BT1E: Tensor, sine_BT1E: Tensor, direction: int) -> Tensor:
    first, second = heads_BTHE.chunk(2, dim=-1)
    sine_of_first, sine_of_second = sine_BT1E.chunk(2, dim=-1)
    turned_BTHE = heads_BTHE * cosine_BT1E
    of_first, of_second = turned_BTHE.chunk(2, dim=-1)
    of_first.addcmul_(second, sine_of_first, value=-direction)
    of_second.addcmul_(first, sine_of_second, value=direction)
    return turned_BTHE
