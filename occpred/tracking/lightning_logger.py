"""Lightning's metrics, handed to the tracker that is open."""

from __future__ import annotations

from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from occpred.tracking.tracking import RunIdentity, Tracker


class TrackerLogger(Logger):
    """Forwards what Lightning logs to a `Tracker`, on the first process only.

    It neither opens nor closes the tracker: one run may hold several fits, and its settings are known from the start.
    """

    def __init__(self, tracker: Tracker, run: RunIdentity) -> None:
        super().__init__()
        self._tracker = tracker
        self._run = run

    @property
    def name(self) -> str:
        """The run's name."""
        return self._run.name

    @property
    def version(self) -> str:
        """The run's id."""
        return self._run.id

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Forward metrics; those of no step belong to the run as a whole."""
        if step is None:
            self._tracker.log_summary(metrics)
        else:
            self._tracker.log_metrics(metrics, step)

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the tracker was given all settings when it was opened."""
