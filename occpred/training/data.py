"""Training steps, and what is asked in between, for Lightning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import lightning as L
import torch
from lightning.pytorch.accelerators import CUDAAccelerator
from torch.utils.data import DataLoader

from occpred.interruption import left_to_parent
from occpred.training.data_wait import WatchedLoader
from occpred.training.steps import OptimizerStep, PackedSteps, StepsFrom, plan_steps, plan_target_tokens
from occpred.trees.packing import TreeBatch
from occpred.trees.token_tree import TokenTree

Question = TypeVar("Question")


class TreeDataModule(L.LightningDataModule, Generic[Question]):
    """Packed optimizer steps to train on, and questions to validate on in between.

    One Lightning batch is one optimizer step. The number of finished steps travels in the checkpoint, so a run that is
    taken up again begins with the next one. All questions are one validation batch, a list: what they are is between
    the caller and the module that is trained.

    Attributes:
        plan: for each step, the indices of its trees.
    """

    def __init__(
        self,
        trees: Sequence[TokenTree],
        validation: Sequence[Question],
        *,
        batch_size: int,
        epochs: int,
        seed: int,
        row_length: int,
        rows_per_forward: int,
        num_workers: int,
        target_tokens: int | None = None,
        references: Sequence[Sequence[float]] | None = None,
    ) -> None:
        """Plan the whole training.

        Args:
            trees: what to train on.
            validation: the questions.
            batch_size: trees an optimizer step.
            epochs: passes over the trees.
            seed: draws the order of each epoch.
            row_length: tokens of a packed row.
            rows_per_forward: rows of a micro-batch.
            num_workers: processes that pack rows ahead of time.
            target_tokens: stop with the step that reaches so many target tokens, however many epochs that takes, in
                place of `epochs`.
            references: for each tree, the log-probability of each branch under the model it is compared with.
        """
        super().__init__()
        self._trees = trees
        self._validation = validation
        self._references = references
        self._row_length = row_length
        self._rows_per_forward = rows_per_forward
        self._num_workers = num_workers
        if target_tokens is None:
            self.plan = plan_steps(len(trees), batch_size, epochs, seed)
        else:
            self.plan = plan_target_tokens([tree.num_targets for tree in trees], batch_size, target_tokens, seed)
        self._finished_steps = 0

    @property
    def num_steps(self) -> int:
        """Optimizer steps of the whole training."""
        return len(self.plan)

    @property
    def num_targets(self) -> int:
        """Target tokens that are learned from in the whole training, over all passes."""
        return sum(self._trees[index].num_targets for step in self.plan for index in step)

    def train_dataloader(self) -> DataLoader[OptimizerStep]:
        """Steps from the first unfinished one on, for this rank."""
        assert self.trainer is not None
        return WatchedLoader(
            self._packed_steps(self.trainer.global_rank, self.trainer.world_size),
            batch_size=None,
            sampler=StepsFrom(self._finished_steps, self.num_steps),
            num_workers=self._num_workers,
            worker_init_fn=_leave_signals_to_parent,
            # A GPU copies from pinned memory while it computes.
            pin_memory=isinstance(self.trainer.accelerator, CUDAAccelerator),
        )

    def first_batch(self) -> TreeBatch:
        """The first rows that a process alone would train on."""
        return self._packed_steps(rank=0, world_size=1)[0].batches[0]

    def _packed_steps(self, rank: int, world_size: int) -> PackedSteps:
        return PackedSteps(
            self._trees,
            self.plan,
            self._row_length,
            self._rows_per_forward,
            rank=rank,
            world_size=world_size,
            references=self._references,
        )

    def val_dataloader(self) -> DataLoader[list[Question]]:
        """All questions as one batch: who answers them groups them by length."""
        return DataLoader([list(self._validation)] if self._validation else [], batch_size=None)  # type: ignore[arg-type]

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Move optimizer steps; questions are no tensors and stay where they are."""
        return batch.to(device) if isinstance(batch, OptimizerStep) else batch

    def state_dict(self) -> dict[str, Any]:
        """How far training has come, in steps."""
        assert self.trainer is not None
        return {"finished_steps": self.trainer.fit_loop.epoch_loop.batch_progress.current.completed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on after the steps that the checkpoint has finished."""
        self._finished_steps = state_dict["finished_steps"]


def _leave_signals_to_parent(worker: int) -> None:
    left_to_parent()
