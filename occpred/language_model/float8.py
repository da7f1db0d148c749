"""Products of matrices in 8-bit floating point (e4m3), with one scale for each row.

Inputs are rounded to 8 bits as weights are, and so are the gradients of outputs, for that of the inputs. GPUs with
8-bit matrix units multiply such numbers as they are; elsewhere the same numbers are multiplied in a wider format.

Shapes: M tokens, K inputs, N outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

FORMAT = torch.float8_e4m3fn
_FIRST_CAPABILITY = (8, 9)
"""CUDA's compute capability from which on matrix units know 8-bit floating point (Ada)."""


def in_float8(values_MK: Tensor) -> tuple[Tensor, Tensor]:
    """Round to 8 bits: `values = rounded * scale` to a relative error of 2^-4 or so, for each row of its own.

    Returns:
        The rounded values (M, K) in float8, and the scale (M, 1) in float32.
    """
    # Not constants of the module: such floats are variables to PyTorch's compiler (`dynamic=True`), and what it first
    # meets inside an autograd function belongs to that call: it could not compile the next one in the same graph.
    largest = torch.finfo(FORMAT).max
    smallest_scale = 1e-12  # rows of zeros have a scale, too
    scale_M1 = values_MK.abs().amax(dim=-1, keepdim=True).float().clamp(min=smallest_scale) / largest
    return (values_MK.float() / scale_M1).clamp(-largest, largest).to(FORMAT), scale_M1


# An operator of its own: PyTorch's compiler would take its result for one that needs no gradient.
@torch.library.custom_op("occpred::float8_product", mutates_args=())
def rounded_product(
    values_MK: Tensor, scale_M1: Tensor, weight_NK: Tensor, scale_N1: Tensor, dtype: torch.dtype
) -> Tensor:
    """Return `(values * scale) @ (weight * scale)^T`, (M, N), of numbers that are in float8 already."""
    return ((values_MK.float() * scale_M1) @ (weight_NK.float() * scale_N1).t()).to(dtype)


@rounded_product.register_kernel("cuda")
def _(values_MK: Tensor, scale_M1: Tensor, weight_NK: Tensor, scale_N1: Tensor, dtype: torch.dtype) -> Tensor:
    if torch.cuda.get_device_capability(values_MK.device) < _FIRST_CAPABILITY:
        wide_MN: Tensor = (values_MK.to(dtype) @ weight_NK.to(dtype).t()).float() * scale_M1 * scale_N1.t()
        return wide_MN.to(dtype)
    product_MN: Tensor = torch._scaled_mm(
        values_MK, weight_NK.t(), scale_M1, scale_N1.t(), out_dtype=torch.bfloat16, use_fast_accum=True
    )
    return product_MN.to(dtype)


@rounded_product.register_fake
def _(values_MK: Tensor, scale_M1: Tensor, weight_NK: Tensor, scale_N1: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.empty(values_MK.shape[0], weight_NK.shape[0], dtype=dtype, device=values_MK.device)


def input_gradient(gradients: Sequence[Tensor], weights: Sequence[Tensor], scales: Sequence[Tensor]) -> Tensor:
    """Return the gradient of inputs (M, K) that went into several layers, from those of their outputs (M, N).

    The sum over outputs runs along the scaled axis of each weight, so its scales go into the gradients before they are
    rounded; the weights are turned around on the fly, not kept twice.
    """
    scaled = [
        gradient_MN * scale_N1.t().to(gradient_MN.dtype)
        for gradient_MN, scale_N1 in zip(gradients, scales, strict=True)
    ]
    turned = [weight_NK.view(torch.uint8).t() for weight_NK in weights]
    turned_KN = torch.cat(turned, dim=1).contiguous().view(FORMAT)
    one_K1 = torch.ones(turned_KN.shape[0], 1, device=turned_KN.device)
    of_inputs_MK: Tensor = rounded_product(*in_float8(torch.cat(scaled, dim=1)), turned_KN, one_K1, gradients[0].dtype)
    return of_inputs_MK
