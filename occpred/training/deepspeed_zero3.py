"""Sharding of everything by DeepSpeed, as the paper did it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occpred.distributed import ranks
from occpred.errors import UserError
from occpred.training.strategy import DataParallel

if TYPE_CHECKING:
    import lightning as L
    from torch import Tensor, nn

_REST = "deepspeed_zero3.pt"
"""The file of a checkpoint's folder that holds what is no share of anything."""


@dataclass
class DeepSpeedZero3(DataParallel):
    """Data parallel, too, but every process holds only its share of each weight, by DeepSpeed (ZeRO-3).

    What `FullySharded` does, in the implementation that the paper used, for comparison with it; it needs the package
    `deepspeed`. Weights that are trained are kept and updated in float32; all are computed with in bfloat16 under
    autocast, or where the backbone is in bfloat16, and gradients are averaged in it.

    Checkpoints are folders that any number of processes can go on from.

    Source: ZeRO stage 3 (Rajbhandari et al. 2020), through DeepSpeed and Lightning.
    """

    def lightning(self) -> Any:
        """Lightning's strategy for DeepSpeed.

        Raises:
            UserError: DeepSpeed is not installed, or there is no GPU.
        """
        import torch

        if find_spec("deepspeed") is None:
            raise UserError(
                "trainer=deepspeed_zero3: needs DeepSpeed; pip install 'occpred[deepspeed]', or trainer=fsdp"
            )
        if not torch.cuda.is_available():
            raise UserError("trainer=deepspeed_zero3: needs GPUs; on the CPU, trainer=fsdp shards as well")
        from occpred.training.lightning_zero3 import ZeRO3Processes

        return ZeRO3Processes(_REST)

    def recognises(self, checkpoint: Path) -> bool:
        """Whether it is a folder of shares by DeepSpeed."""
        return (checkpoint / _REST).is_file()

    def prepare(self, module: L.LightningModule) -> None:
        """Nothing: DeepSpeed keeps weights in float32, and rounds them, by itself."""

    @contextmanager
    def micro_batch(self, module: L.LightningModule, *, is_last: bool) -> Iterator[nn.Module]:
        """Sum up gradients of micro-batches, and let DeepSpeed's engine call the module."""
        engine: Any = module.trainer.model
        engine.set_gradient_accumulation_boundary(is_last)
        yield engine

    def clip_gradients(self, module: L.LightningModule, largest_norm: float) -> None:
        """Nothing: DeepSpeed clips before it updates."""

    def trained_state(self, module: L.LightningModule) -> dict[str, Tensor] | None:
        """Gather one parameter after the other."""
        from deepspeed.utils import safe_get_full_fp32_param

        language_model: Any = module.language_model
        state = {}
        for name, parameter in language_model.named_parameters():
            if parameter.requires_grad:
                whole = safe_get_full_fp32_param(parameter)
                if ranks.is_first():
                    state[name] = whole.to("cpu", module.given_dtype)
        return state
