"""Checkpoints to go on from after a crash or a kill."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import lightning as L


class ResumeCheckpoint(L.Callback):
    """Saves the whole state of training, every so many steps, in one file that is either old or new, never half.

    It saves right before a step begins: by then the step before it is complete, validation included, so that what
    follows in a resumed run is exactly what would have followed.
    """

    def __init__(self, path: Path, every_steps: int) -> None:
        self._path = path
        self._every_steps = every_steps

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Save if `every_steps` steps are complete since the last time."""
        if batch_idx > 0 and batch_idx % self._every_steps == 0:
            self._save(trainer)

    def _save(self, trainer: L.Trainer) -> None:
        unfinished = self._path.with_suffix(".unfinished")
        trainer.save_checkpoint(unfinished, weights_only=False)
        if trainer.is_global_zero:
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(self._path)
        trainer.strategy.barrier()
