"""How long training waits for its data: a share of a few per cent says that more processes should pack rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import lightning as L
from torch.utils.data import DataLoader

from occpred.training.steps import OptimizerStep


class WatchedLoader(DataLoader[OptimizerStep]):
    """Adds up, in `waited_seconds`, how long steps were waited for."""

    waited_seconds = 0.0

    def __iter__(self) -> Iterator[OptimizerStep]:  # type: ignore[override]
        """Yield the steps."""
        steps = super().__iter__()
        while True:
            asked = time.perf_counter()
            step = next(steps, None)
            self.waited_seconds += time.perf_counter() - asked
            if step is None:
                return
            yield step


class DataWait(L.Callback):
    """Logs `train/data_wait_share`, which part of the time of all steps was spent waiting for their data.

    It is logged once, at the end and for the run as a whole: it depends on the machine and its mood, and so must not
    stand among the numbers of the steps, which are the same each time. A training that was taken up again counts from
    there on.
    """

    def __init__(self) -> None:
        self._computed_seconds = 0.0
        self._begun = 0.0

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Note when a step begins."""
        self._begun = time.perf_counter()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note how long it took."""
        self._computed_seconds += time.perf_counter() - self._begun

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the share, unless there was nothing left to train."""
        loader = trainer.train_dataloader
        if self._computed_seconds and isinstance(loader, WatchedLoader):
            share = loader.waited_seconds / (loader.waited_seconds + self._computed_seconds)
            for logger in trainer.loggers:
                logger.log_metrics({"train/data_wait_share": share})
