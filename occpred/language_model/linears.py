"""Linear layers that share their input, computed together where they are frozen.

PEFT's modules keep the parameters of adapters, so a checkpoint stays a plain PEFT adapter; whatever is unusual about a
layer (dropout that is at work, weights that are trained) goes through the module itself.

Shapes: K inputs, N outputs of a layer, R rank of an adapter.
"""

from __future__ import annotations

from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from occpred.language_model.float8_linear import Float8Linear
from occpred.language_model.frozen_products import Parts, together


def linears(inputs: Tensor, *modules: nn.Module) -> list[Tensor]:
    """Return what each of the linear `modules` makes of `inputs` (..., K)."""
    if not torch.is_autocast_enabled(inputs.device.type):
        parts = [_parts(module) for module in modules]
        known = [each for each in parts if each is not None]
        if len(known) == len(modules):
            return together(inputs, known)
    return [module(inputs) for module in modules]


def _parts(module: Any) -> Parts | None:
    """What can be computed here: a frozen layer, with one plain adapter or none."""
    if not isinstance(module, LoraLayer):
        return _frozen(module)
    base = _frozen(module.base_layer)
    names = module.active_adapters
    if base is None or module.disable_adapters or module.merged or len(names) != 1:
        return None
    name = names[0]
    drops = module.training and not isinstance(module.lora_dropout[name], nn.Identity)
    if drops or name in module.lora_variant or module.lora_bias[name]:
        return None
    down_RK, up_NR = module.lora_A[name].weight, module.lora_B[name].weight
    return base._replace(down_RK=down_RK, up_NR=up_NR, scaling=module.scaling[name])


def _frozen(layer: Any) -> Parts | None:
    if isinstance(layer, Float8Linear):
        return Parts(layer.weight, layer.scale, layer.bias)
    if not isinstance(layer, nn.Linear) or layer.weight.requires_grad:
        return None
    four_bit = getattr(layer.weight, "quant_state", None)
    if four_bit is not None:
        from bitsandbytes.functional import dequantize_4bit

        return Parts(dequantize_4bit(layer.weight.data, four_bit), bias_N=layer.bias)
    return Parts(layer.weight, bias_N=layer.bias)
