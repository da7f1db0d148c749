"""Training steps and validation examples for Lightning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader

from occpred.records import NextOccupationExample
from occpred.training.steps import OptimizerStep, PackedSteps, StepsFrom, plan_steps
from occpred.trees.token_tree import TokenTree


class TreeDataModule(L.LightningDataModule):
    """Packed optimizer steps to train on, and examples to answer in between.

    One Lightning batch is one optimizer step. The number of finished steps travels in the checkpoint, so a run that is
    taken up again begins with the next one.

    Attributes:
        plan: for each step, the indices of its trees.
    """

    def __init__(
        self,
        trees: Sequence[TokenTree],
        validation: Sequence[NextOccupationExample],
        *,
        batch_size: int,
        epochs: int,
        seed: int,
        row_length: int,
        rows_per_forward: int,
        num_workers: int,
    ) -> None:
        super().__init__()
        self._trees = trees
        self._validation = validation
        self._row_length = row_length
        self._rows_per_forward = rows_per_forward
        self._num_workers = num_workers
        self.plan = plan_steps(len(trees), batch_size, epochs, seed)
        self._finished_steps = 0

    @property
    def num_steps(self) -> int:
        """Optimizer steps of the whole training."""
        return len(self.plan)

    def train_dataloader(self) -> DataLoader[OptimizerStep]:
        """Steps from the first unfinished one on, for this rank."""
        assert self.trainer is not None
        steps = PackedSteps(
            self._trees,
            self.plan,
            self._row_length,
            self._rows_per_forward,
            rank=self.trainer.global_rank,
            world_size=self.trainer.world_size,
        )
        return DataLoader(
            steps,
            batch_size=None,
            sampler=StepsFrom(self._finished_steps, self.num_steps),
            num_workers=self._num_workers,
        )

    def val_dataloader(self) -> DataLoader[list[NextOccupationExample]]:
        """All validation examples as one batch: the predictor groups them by length itself."""
        return DataLoader([list(self._validation)] if self._validation else [], batch_size=None)  # type: ignore[arg-type]

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Move optimizer steps; validation examples are records and stay where they are."""
        return batch.to(device) if isinstance(batch, OptimizerStep) else batch

    def state_dict(self) -> dict[str, Any]:
        """How far training has come, in steps."""
        assert self.trainer is not None
        return {"finished_steps": self.trainer.fit_loop.epoch_loop.batch_progress.current.completed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on after the steps that the checkpoint has finished."""
        self._finished_steps = state_dict["finished_steps"]
