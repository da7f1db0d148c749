"""Sharding of everything: weights, gradients and the optimizer's memory (FSDP2)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occpred.training.strategy import DataParallel

if TYPE_CHECKING:
    import lightning as L
    import torch
    from torch import Tensor, nn
    from torch.distributed.fsdp import MixedPrecisionPolicy

_REST = "fully_sharded.pt"
"""The file of a checkpoint's folder that holds what is no share of anything."""


@dataclass
class FullySharded(DataParallel):
    """Data parallel, too, but every process holds only its share of each weight, and gathers a layer to compute it.

    Fits full fine-tuning of a backbone that no single device could train. Weights that are trained are kept and updated
    in float32, and each is rounded to the backbone's own number format, or to bfloat16 under autocast, when its layer
    is gathered; gradients are averaged in float32. They are exchanged with every micro-batch: to sum them up before,
    as under DDP, every process would have to hold all of them.

    Checkpoints are folders that any number of processes can go on from.

    Source: PyTorch FSDP (Zhao et al. 2023), the idea is ZeRO stage 3 (Rajbhandari et al. 2020).
    """

    def lightning(self) -> Any:
        """Lightning's strategy for models that shard themselves."""
        from occpred.training.lightning_sharding import FullyShardedProcesses

        return FullyShardedProcesses(_REST)

    def recognises(self, checkpoint: Path) -> bool:
        """Whether it is a folder of shares by FSDP."""
        return (checkpoint / _REST).is_file()

    def prepare(self, module: L.LightningModule) -> None:
        """Shard each layer of the language model by itself, and what is left together with the module.

        So embeddings, tied or not, are there while the module computes a loss or answers questions, whichever part of
        the language model it calls.
        """
        from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method

        from occpred.language_model.decoder import decoder_layers

        if isinstance(module, FSDPModule):
            return
        assert module.device_mesh is not None
        mesh = module.device_mesh["data_parallel"]
        policy = _mixed_precision(module)
        for unit in (*decoder_layers(module), module):
            _keep_trained_in_float32(unit, module.trainer.strategy.root_device)
            fully_shard(unit, mesh=mesh, mp_policy=policy)
        register_fsdp_forward_method(module, "validation_step")

    def trained_state(self, module: L.LightningModule) -> dict[str, Tensor] | None:
        """Gather one parameter after the other; tied ones count once."""
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

        sharded: Any = module
        sharded.reshard()  # after a validation, what belongs to no layer is still gathered, and rounded
        if module.trained_dtype != module.given_dtype:
            module.to(module.given_dtype)
        language_model: Any = module.language_model
        options = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=True)
        state: Any = get_model_state_dict(language_model, options=options)
        return {name: state[name] for name, _ in language_model.named_parameters() if name in state}


def _mixed_precision(module: L.LightningModule) -> MixedPrecisionPolicy:
    """Compute in bfloat16 under autocast, and where weights to be trained are in bfloat16; else in float32."""
    import torch
    from torch.distributed.fsdp import MixedPrecisionPolicy

    if module.trainer.precision == "bf16-mixed" or module.given_dtype == torch.bfloat16:
        return MixedPrecisionPolicy(torch.bfloat16, reduce_dtype=torch.float32, cast_forward_inputs=False)
    return MixedPrecisionPolicy(cast_forward_inputs=False)


def _keep_trained_in_float32(unit: nn.Module, device: torch.device) -> None:
    import torch

    for parameter in unit.parameters():
        if parameter.requires_grad and parameter.dtype != torch.float32:
            parameter.data = parameter.data.to(device, torch.float32)
