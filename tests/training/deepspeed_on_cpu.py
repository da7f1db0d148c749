"""DeepSpeed's ZeRO-3 between processes of a CPU, which Lightning keeps for GPUs: its tests need none."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from occpred.training.deepspeed_zero3 import _REST, DeepSpeedZero3

if TYPE_CHECKING:
    from occpred.training.lightning_zero3 import ZeRO3Processes


@dataclass
class ZeRO3OnCPU(DeepSpeedZero3):
    """The strategy itself; only questions for the GPU's number are answered differently."""

    def lightning(self) -> ZeRO3Processes:
        """Lightning's strategy, which takes a CPU for what it wants."""
        os.environ["DS_ACCELERATOR"] = "cpu"  # read by DeepSpeed when it is imported
        from deepspeed import DeepSpeedEngine
        from lightning.pytorch.accelerators import CPUAccelerator
        from lightning.pytorch.strategies import deepspeed

        from occpred.training.lightning_zero3 import ZeRO3Processes

        set_variables = DeepSpeedEngine._set_distributed_vars

        def without_number(engine: Any, arguments: Any) -> None:
            arguments.device_rank = -1
            set_variables(engine, arguments)

        class OnCPU(ZeRO3Processes):
            def setup_environment(self) -> None:
                with patch.object(deepspeed, "CUDAAccelerator", CPUAccelerator):
                    super().setup_environment()

            def setup(self, trainer: Any) -> None:
                with patch.object(DeepSpeedEngine, "_set_distributed_vars", without_number):
                    super().setup(trainer)

        return OnCPU(_REST)
