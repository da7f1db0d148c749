"""Weights that are kept and updated in float32 while the model computes in a smaller number format.

A step of fine-tuning is often smaller than what bfloat16 can add to a weight; kept in it, the weight would not move.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


def keep_in_float32(module: nn.Module, device: torch.device) -> None:
    """Keep the trained weights of `module` in float32, and round each to the format it had whenever it is read.

    So whatever reads a weight computes as before, and what it is read from gets gradients in float32. Weights that are
    tied stay so.

    Args:
        module: changed in place; the second time, nothing changes.
        device: where the weights are moved, one after the other, while they grow.
    """
    places = [
        (owner, name, parameter)
        for owner in module.modules()
        for name, parameter in owner.named_parameters(recurse=False)
        if parameter.requires_grad and parameter.dtype != torch.float32
    ]
    for owner, name, parameter in places:
        rounded = _Rounded(parameter.dtype)
        parametrize.register_parametrization(owner, name, rounded, unsafe=True)  # unsafe: the format changes
    for _, _, parameter in places:
        parameter.data = parameter.data.to(device, torch.float32)


def give_back(module: nn.Module) -> None:
    """Undo `keep_in_float32`: let each weight be, for good, what it was rounded to when it was read."""
    formats: dict[nn.Parameter, torch.dtype] = {}
    for owner in list(module.modules()):
        if parametrize.is_parametrized(owner):
            parametrizations: Any = owner.parametrizations
            for name, (rounded,) in list(parametrizations.items()):
                formats[parametrizations[name].original] = rounded.dtype
                parametrize.remove_parametrizations(owner, name, leave_parametrized=False)
    for parameter, dtype in formats.items():
        parameter.data = parameter.data.to(dtype)


class _Rounded(nn.Module):
    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, weight: Tensor) -> Tensor:
        return weight.to(self.dtype)
