"""Numbers read from a device that goes on working."""

from __future__ import annotations

import torch
from torch import Tensor


class EarlyReading:
    """The numbers of a tensor, sent for when it is computed and waited for when they are needed.

    What was handed to the device in between, the backward pass for one, is not waited for. So the next work can be
    handed over before this is done, and the device is never idle.
    """

    def __init__(self, tensor: Tensor) -> None:
        self._arrived: torch.cuda.Event | None = None
        self._host = tensor
        if tensor.is_cuda:
            self._host = torch.empty_like(tensor, device="cpu", pin_memory=True)
            self._host.copy_(tensor, non_blocking=True)
            self._arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._arrived.record()

    def numbers(self) -> list[float]:
        """Return them, in order."""
        if self._arrived:
            self._arrived.synchronize()
        numbers: list[float] = self._host.tolist()
        return numbers
