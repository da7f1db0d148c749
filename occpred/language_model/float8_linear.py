"""Linear layers that are held in float8.

Shapes: N outputs, K inputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from occpred.language_model.float8 import in_float8
from occpred.language_model.frozen_products import Parts, together

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Float8Linear(nn.Module):
    """A frozen linear layer whose weight exists in float8 only: a byte for each, plus a scale for each output."""

    weight: Tensor
    scale: Tensor

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        weight_NK, scale_N1 = in_float8(layer.weight.detach())
        self.register_buffer("weight", weight_NK, persistent=False)
        self.register_buffer("scale", scale_N1, persistent=False)
        self.bias = layer.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `inputs @ (weight * scale)^T + bias`, for inputs of shape (..., K)."""
        (outputs,) = together(inputs, [Parts(self.weight, self.scale, self.bias)])
        return outputs


def hold_in_float8(model: PreTrainedModel) -> None:
    """Replace, in place, every linear layer inside the decoder by its float8 form; output embeddings stay as they are.

    Adapters stay as they are, too. They are put on before, since PEFT must see plain layers to know what they are.
    """
    decoder: nn.Module = model.get_decoder()
    adapters = {id(part) for layer in decoder.modules() if isinstance(layer, LoraLayer) for part in _factors(layer)}
    for name, layer in list(decoder.named_modules()):
        if type(layer) is nn.Linear and id(layer) not in adapters:
            parent, _, child = name.rpartition(".")
            setattr(decoder.get_submodule(parent), child, Float8Linear(layer))


def _factors(layer: LoraLayer) -> list[nn.Module]:
    return [*layer.lora_A.values(), *layer.lora_B.values()]
