"""Checkpoints to go on from after a crash, a kill, or a stop that was asked for."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Any

import lightning as L

from occpred.artifacts.disk import force_to_disk
from occpred.distributed.ranks import by_first, largest
from occpred.interruption import honour, requested

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ResumePoint:
    """The place of one checkpoint: a file, or a folder where a strategy writes one for all ranks.

    At any moment there is a whole checkpoint or none, never half of one. A new one is written beside the old one, which
    steps aside and is removed when the new one has taken its place: folders cannot be exchanged in one go.

    Attributes:
        path: where the checkpoint lies.
    """

    path: Path

    def find(self) -> Path | None:
        """The checkpoint, if there is one."""
        return next((path for path in (self.path, self._former) if path.exists()), None)

    def make_room(self) -> Path:
        """Remove what an interrupted replacement left; return where to write the next checkpoint."""
        _remove(self._unfinished)
        return self._unfinished

    def replace(self) -> None:
        """Put what was written in the place of the checkpoint that is there."""
        for written in (self._unfinished, *self._unfinished.rglob("*")):
            force_to_disk(written)
        if self.path.exists():
            _remove(self._former)
            self.path.rename(self._former)
        self._unfinished.rename(self.path)
        force_to_disk(self.path.parent)
        _remove(self._former)

    def remove(self) -> None:
        """Leave no checkpoint, and none of its traces."""
        _remove(self._former)
        if self.path.exists():
            self.path.rename(self.make_room())  # a folder that is half removed must not be found
        _remove(self._unfinished)

    @property
    def _unfinished(self) -> Path:
        return self.path.with_suffix(".unfinished")

    @property
    def _former(self) -> Path:
        return self.path.with_suffix(".former")


class ResumeCheckpoint(L.Callback):
    """Saves the whole state of training every so many steps, and before training ends because it was told to stop.

    It saves right before a step begins: by then the step before it is complete, validation included, so that what
    follows in a resumed run is exactly what would have followed. A signal may reach the ranks at different steps, or
    not all of them, so they agree at each step whether one came.

    Args:
        path: where to; see `ResumePoint`.
        every_steps: steps between two checkpoints.
    """

    def __init__(self, path: Path, every_steps: int) -> None:
        self._point = ResumePoint(path)
        self._every_steps = every_steps
        self._saved_step: int | None = None

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Keep Lightning's hands off SIGTERM: its handler waits for the other ranks wherever the signal finds them."""
        trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Save where it is time to; end training where any rank was told to stop.

        Raises:
            Interrupted: on all ranks.
        """
        if self._saved_step is None:
            self._saved_step = batch_idx  # nothing is done yet that is not in the checkpoint training went on from
            # Lightning's count, by which loggers are told of the step, is one too high after a resumption.
            trainer.fit_loop.epoch_loop._batches_that_stepped = batch_idx
        stop = largest(requested())
        if batch_idx > self._saved_step and (stop or batch_idx % self._every_steps == 0):
            self._save(trainer)
            self._saved_step = batch_idx
        if stop:
            logger.info("told to stop by %s: saved before step %d", Signals(stop).name, batch_idx + 1)
        honour(stop)

    def _save(self, trainer: L.Trainer) -> None:
        unfinished = by_first(self._point.make_room)
        trainer.save_checkpoint(unfinished, weights_only=False)
        by_first(self._point.replace)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
