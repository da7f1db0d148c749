"""Where a model computes when it is not trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def inference_device(accelerator: str) -> torch.device:
    """The first device of `accelerator`: the GPU, where there is one, unless it is `cpu`."""
    import torch

    if accelerator == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda")
