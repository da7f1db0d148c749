"""What of this machine a process may use."""

from __future__ import annotations

import os
from dataclasses import dataclass

from occpred.distributed.threads import num_cores


@dataclass(frozen=True)
class Machine:
    """What there is to share out.

    Attributes:
        gpus: what `CUDA_VISIBLE_DEVICES` calls each GPU that this process may use.
        cores: CPU cores that this process may use.
    """

    gpus: tuple[str, ...]
    cores: int

    @classmethod
    def here(cls) -> Machine:
        """Look at this machine, without taking memory of any GPU."""
        import torch

        count = torch.cuda.device_count()
        names = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(count)))).split(",")
        # CUDA, too, ends the list at the first name that is none.
        return cls(tuple(name.strip() for name in names[:count]), num_cores())
