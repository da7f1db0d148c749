"""What a model computes on."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from occpred.errors import UserError

if TYPE_CHECKING:
    import torch


class Accelerator(Enum):
    """A kind of device, as the user asks for it."""

    auto = "a GPU where there is one"
    cpu = "no GPU"
    gpu = "a GPU"

    def device(self) -> torch.device:
        """The first device of this kind.

        Raises:
            UserError: a GPU is asked for, and there is none.
        """
        import torch

        if self is not Accelerator.cpu and torch.cuda.is_available():
            return torch.device("cuda")
        if self is Accelerator.gpu:
            raise UserError(
                "accelerator=gpu: PyTorch finds no GPU here that it can use; give auto or cpu, or look at the driver, "
                "CUDA_VISIBLE_DEVICES, and whether this is a CPU build of PyTorch"
            )
        return torch.device("cpu")
