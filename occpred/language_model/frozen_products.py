"""Products of inputs with frozen weights and low-rank adapters, at the speed of the frozen product alone.

    y_i = x W_i^T + s_i (x A_i^T) B_i^T + b_i

for layers i that share their input. The low-rank update is added into the product in place, the gradient of the input
is summed up in place, and the small factors A_i of all layers make one product.

Shapes: M tokens, K inputs, N outputs of a layer, R rank of an adapter, S ranks of all adapters together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from occpred.language_model.float8 import in_float8, input_gradient, rounded_product


class Parts(NamedTuple):
    """A frozen linear layer as tensors.

    `scale_N1` belongs to a weight in float8; the adapter is `up_NR @ down_RK`, times `scaling`.
    """

    weight_NK: Tensor
    scale_N1: Tensor | None = None
    bias_N: Tensor | None = None
    down_RK: Tensor | None = None
    up_NR: Tensor | None = None
    scaling: float = 1.0


def together(inputs: Tensor, layers: Sequence[Parts]) -> list[Tensor]:
    """Return the outputs (..., N) of each layer for `inputs` (..., K)."""
    tensors = [tensor for layer in layers for tensor in layer[:-1]]
    scalings = [layer.scaling for layer in layers]
    outputs: tuple[Tensor, ...] = _Together.apply(inputs.flatten(0, -2), scalings, *tensors)  # type: ignore[no-untyped-call]
    return [output_MN.view(*inputs.shape[:-1], output_MN.shape[1]) for output_MN in outputs]


class _Together(torch.autograd.Function):
    """The layers' products and their gradients; frozen weights and biases have none."""

    @staticmethod
    def forward(ctx: Any, inputs_MK: Tensor, scalings: list[float], *tensors: Tensor | None) -> tuple[Tensor, ...]:
        layers = _layers(tensors, scalings)
        rounded = in_float8(inputs_MK) if layers[0].scale_N1 is not None else None
        adapters = _Adapters.of(layers, inputs_MK.dtype)
        low_MS = None if adapters is None else inputs_MK @ adapters.down_SK.t()
        outputs = []
        for number, layer in enumerate(layers):
            if rounded is not None and layer.scale_N1 is not None:
                output_MN = rounded_product(*rounded, layer.weight_NK, layer.scale_N1, inputs_MK.dtype)
            else:
                output_MN = inputs_MK @ layer.weight_NK.t()
            if adapters is not None and low_MS is not None:
                adapters.add_update(number, output_MN, low_MS)
            outputs.append(output_MN if layer.bias_N is None else output_MN + layer.bias_N)
        ctx.save_for_backward(inputs_MK, low_MS, *tensors)
        ctx.scalings = scalings
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        inputs_MK, low_MS, *tensors = ctx.saved_tensors
        layers = _layers(tensors, ctx.scalings)
        adapters = _Adapters.of(layers, inputs_MK.dtype)
        of_adapters, low_gradient_MS = {}, None
        if adapters is not None:
            low_gradient_MS = adapters.low_gradient(gradients)
            of_adapters = adapters.gradients(gradients, low_gradient_MS, inputs_MK, low_MS)
        of_inputs_MK = None
        if ctx.needs_input_grad[0]:
            of_inputs_MK = _input_gradient(layers, gradients)
            if adapters is not None and low_gradient_MS is not None:
                add_product(of_inputs_MK, low_gradient_MS, adapters.down_SK, 1.0)
        of_tensors = [
            gradient if tensor is None or gradient is None else gradient.to(tensor.dtype)
            for number, layer in enumerate(layers)
            for tensor, gradient in zip(
                layer[:-1], (None, None, None, *of_adapters.get(number, (None, None))), strict=True
            )
        ]
        return of_inputs_MK, None, *of_tensors


def _layers(tensors: Sequence[Any], scalings: Sequence[float]) -> list[Parts]:
    width = len(Parts._fields) - 1
    return [Parts._make([*tensors[width * i : width * (i + 1)], scaling]) for i, scaling in enumerate(scalings)]


def _input_gradient(layers: Sequence[Parts], gradients: Sequence[Tensor]) -> Tensor:
    scales = [layer.scale_N1 for layer in layers if layer.scale_N1 is not None]
    weights = [layer.weight_NK for layer in layers]
    if scales:
        return input_gradient(gradients, weights, scales)
    of_inputs_MK = gradients[0] @ weights[0]
    for gradient_MN, weight_NK in zip(gradients[1:], weights[1:], strict=True):
        add_product(of_inputs_MK, gradient_MN, weight_NK, 1.0)
    return of_inputs_MK


class _Adapters(NamedTuple):
    """The adapters of layers that share their input, in the format that is computed in.

    Attributes:
        down_SK: the first factors, one below the other.
        ups: for each layer that has an adapter, by number, the second factor (N, R).
        ranges: which of the S ranks are its own.
        scalings: how much its update counts.
    """

    down_SK: Tensor
    ups: dict[int, Tensor]
    ranges: dict[int, tuple[int, int]]
    scalings: Sequence[float]

    @classmethod
    def of(cls, layers: Sequence[Parts], dtype: torch.dtype) -> _Adapters | None:
        downs: list[Tensor] = []
        ups, ranges, start = {}, {}, 0
        for number, layer in enumerate(layers):
            if layer.down_RK is not None and layer.up_NR is not None:
                downs.append(layer.down_RK.to(dtype))
                ups[number] = layer.up_NR.to(dtype)
                ranges[number] = (start, start + layer.down_RK.shape[0])
                start += layer.down_RK.shape[0]
        return cls(torch.cat(downs), ups, ranges, [layer.scaling for layer in layers]) if downs else None

    def add_update(self, number: int, output_MN: Tensor, low_MS: Tensor) -> None:
        """Add the update of layer `number` to its output, in place, where it has an adapter."""
        if number in self.ups:
            first, end = self.ranges[number]
            add_product(output_MN, low_MS[:, first:end], self.ups[number].t(), self.scalings[number])

    def low_gradient(self, gradients: Sequence[Tensor]) -> Tensor:
        """Gradient of what lies between the factors, (M, S)."""
        each = [gradients[number] @ up_NR * self.scalings[number] for number, up_NR in self.ups.items()]
        return torch.cat(each, dim=1)

    def gradients(
        self, gradients: Sequence[Tensor], low_gradient_MS: Tensor, inputs_MK: Tensor, low_MS: Tensor
    ) -> dict[int, tuple[Tensor, Tensor]]:
        """Gradients of the two factors of each layer that has an adapter."""
        of_downs_SK = low_gradient_MS.t() @ inputs_MK
        found = {}
        for number, (first, end) in self.ranges.items():
            of_up_NR = gradients[number].t() @ low_MS[:, first:end] * self.scalings[number]
            found[number] = (of_downs_SK[first:end], of_up_NR)
        return found


def add_product(total_MN: Tensor, left_MK: Tensor, right_KN: Tensor, scale: float) -> None:
    """Add `scale * left @ right` to `total`, in place.

    Compiled code would call PyTorch's `addmm` out of place, which copies the total first; there it is an operator that
    the compiler does not look into.
    """
    if torch.compiler.is_compiling():
        torch.ops.occpred.add_product(total_MN, left_MK, right_KN, scale)
    else:
        total_MN.addmm_(left_MK, right_KN, alpha=scale)


# Without `torch.library.custom_op`: what that does around each call takes longer than handing the product to a GPU.
_operators: Any = torch.library.Library("occpred", "FRAGMENT")  # type: ignore[no-untyped-call]
_operators.define(
    "add_product(Tensor(a!) total, Tensor left, Tensor right, float scale) -> ()", tags=(torch.Tag.pt2_compliant_tag,)
)


@torch.library.impl(_operators, "add_product", "CompositeExplicitAutograd")
def _add_product(total_MN: Tensor, left_MK: Tensor, right_KN: Tensor, scale: float) -> None:
    total_MN.addmm_(left_MK, right_KN, alpha=scale)


@torch.library.register_fake("occpred::add_product", lib=_operators)  # type: ignore[untyped-decorator]
def _(total_MN: Tensor, left_MK: Tensor, right_KN: Tensor, scale: float) -> None:
    return None
