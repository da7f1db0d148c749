"""Sharded training as Lightning sees it: its processes, its validations and its checkpoints."""

from __future__ import annotations

import atexit
from abc import abstractmethod
from pathlib import Path
from typing import Any

import lightning as L
import torch
import torch.distributed as dist
from lightning.pytorch.strategies import ModelParallelStrategy, ParallelStrategy
from torch.distributed import checkpoint as distributed_checkpoint
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.optim import Optimizer

from occpred.distributed import ranks
from occpred.errors import UserError

_TRAINED = StateDictOptions(ignore_frozen_params=True, strict=False)


class Sharding(ParallelStrategy):
    """What is common to strategies under which every process holds a share of each weight.

    A checkpoint is a folder: the shares of all processes, in the format of PyTorch's distributed checkpoints, which any
    number of processes can read, and a file of what is the same for all of them.

    Attributes:
        rest: name of that file.
    """

    rest: str

    @abstractmethod
    def shares(self) -> dict[str, Any]:
        """What this process holds of what is trained and of the optimizer's memory: distributed tensors by name."""

    @abstractmethod
    def take(self, shares: dict[str, Any]) -> None:
        """Go on from these shares, laid out like those of this process."""

    def connect(self, model: L.LightningModule) -> None:
        """Take the model on.

        Raises:
            UserError: weights that cannot be divided, those of 4-bit layers.
        """
        if not all(parameter.is_floating_point() for parameter in model.parameters()):
            raise UserError(
                "lora.base_dtype=nf4: 4-bit layers cannot be sharded; use trainer=ddp or another lora.base_dtype"
            )
        super().connect(model)

    def setup_environment(self) -> None:
        """Found a group where this process is alone; where there are several, they have joined theirs before.

        It stays till the process ends, since DeepSpeed never forgets the first one it sees.
        """
        if not dist.is_initialized():
            backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
            store = dist.HashStore()  # type: ignore[attr-defined]
            dist.init_process_group(backend, store=store, rank=0, world_size=1)
            atexit.register(dist.destroy_process_group)
        super().setup_environment()

    def validation_step(self, *args: Any, **kwargs: Any) -> Any:
        """Let all processes answer all questions: a layer is only there when all of them ask for it."""
        with ranks.alone():
            return super().validation_step(*args, **kwargs)

    def lightning_module_state_dict(self) -> dict[str, Any]:
        """Nothing: `save_checkpoint` asks for shares."""
        return {}

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Any]:
        """Nothing: `save_checkpoint` asks for shares."""
        return {}

    def save_checkpoint(self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any = None) -> None:
        """Write a folder, all processes together."""
        distributed_checkpoint.save(self.shares(), checkpoint_id=filepath)  # type: ignore[attr-defined]
        if self.is_global_zero:
            torch.save(checkpoint, Path(filepath) / self.rest)
        self.barrier()

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        """Read, and put in its place, what this process is to hold; return what is the same for all."""
        shares = self.shares()
        distributed_checkpoint.load(shares, checkpoint_id=checkpoint_path)  # type: ignore[attr-defined]
        self.take(shares)
        rest: dict[str, Any] = torch.load(Path(checkpoint_path) / self.rest, weights_only=weights_only)
        return rest


class FullyShardedProcesses(Sharding, ModelParallelStrategy):
    """All processes of the job, each with its shares by FSDP2."""

    def __init__(self, rest: str) -> None:
        super().__init__(data_parallel_size=ranks.world_size(), tensor_parallel_size=1)
        self.rest = rest

    def shares(self) -> dict[str, Any]:
        """Weights, of those that are tied one, and the optimizer's memory of them."""
        assert self.model is not None
        (optimizer,) = self.optimizers
        weights = get_model_state_dict(self.model, options=_TRAINED)
        return {
            "weights": {name: weights[name] for name, _ in self.model.named_parameters() if name in weights},
            "optimizer": get_optimizer_state_dict(self.model, optimizer, options=_TRAINED),
        }

    def take(self, shares: dict[str, Any]) -> None:
        """Go on from these weights and this memory."""
        assert self.model is not None
        (optimizer,) = self.optimizers
        set_model_state_dict(self.model, shares["weights"], options=_TRAINED)
        set_optimizer_state_dict(self.model, optimizer, shares["optimizer"], options=_TRAINED)
