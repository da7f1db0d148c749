"""Fully sharded training as Lightning sees it: its processes, its validations and its checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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

_TRAINED = StateDictOptions(ignore_frozen_params=True, strict=False)
_REST = "rest.pt"


class Sharding(ParallelStrategy):
    """What is common to strategies under which a forward pass needs all processes at once."""

    _is_group_of_one = False

    def setup_environment(self) -> None:
        """Found a group where this process is alone; where there are several, they have joined theirs before."""
        if not dist.is_initialized():
            backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
            dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1)
            self._is_group_of_one = True
        super().setup_environment()

    def teardown(self) -> None:
        """Leave the group of one."""
        super().teardown()
        if self._is_group_of_one:
            dist.destroy_process_group()
            self._is_group_of_one = False

    def validation_step(self, *args: Any, **kwargs: Any) -> Any:
        """Let all processes answer all questions: a layer is only there when all of them ask for it."""
        with ranks.alone():
            return super().validation_step(*args, **kwargs)


class FullyShardedProcesses(Sharding, ModelParallelStrategy):
    """All processes of the job, each with a share of every weight."""

    def __init__(self) -> None:
        super().__init__(data_parallel_size=ranks.world_size(), tensor_parallel_size=1)

    def lightning_module_state_dict(self) -> dict[str, Any]:
        """This process's shares of what is trained; weights that are tied count once."""
        assert self.model is not None
        shares = get_model_state_dict(self.model, options=_TRAINED)
        return {name: shares[name] for name, _ in self.model.named_parameters() if name in shares}

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Any]:
        """This process's shares of the optimizer's memory, by names of parameters."""
        assert self.model is not None
        return get_optimizer_state_dict(self.model, getattr(optimizer, "_optimizer", optimizer), options=_TRAINED)

    def save_checkpoint(self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any = None) -> None:
        """Write a folder: the shares of each process, and a file of what is the same for all."""
        folder = Path(filepath)
        shares = {name: checkpoint.pop(name) for name in ("state_dict", "optimizer_states")}
        distributed_checkpoint.save(shares, checkpoint_id=folder)
        if self.is_global_zero:
            torch.save(checkpoint, folder / _REST)
        self.barrier()

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        """Read, and put in its place, what this process holds of a checkpoint of any number of processes."""
        assert self.model is not None
        shares = {
            "state_dict": self.lightning_module_state_dict(),
            "optimizer_states": [self.optimizer_state(optimizer) for optimizer in self.optimizers],
        }
        distributed_checkpoint.load(shares, checkpoint_id=checkpoint_path)
        set_model_state_dict(self.model, shares["state_dict"], options=_TRAINED)
        for optimizer, state in zip(self.optimizers, shares["optimizer_states"], strict=True):
            set_optimizer_state_dict(self.model, optimizer, state, options=_TRAINED)
        rest: dict[str, Any] = torch.load(Path(checkpoint_path) / _REST, weights_only=weights_only)
        return rest
