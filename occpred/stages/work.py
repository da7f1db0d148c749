"""What one launched job of a sweep makes: stages that several experiments of the sweep may share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from occpred.experiment import Experiment
from occpred.stages.phase import Phase


@dataclass(frozen=True)
class Work:
    """Stages of one phase that are needed by the same experiments of a sweep, so one job makes them.

    Attributes:
        phase: what kind of work it is.
        experiment: one of the experiments that need it; all of them describe these stages alike.
        config: its settings as YAML, for the report.
        stages: references (`train/0123456789abcdef`) of what is to be made, inputs first.
        axes: the overrides that all experiments that need it have in common, such as `("lora.rank=8",)`.
    """

    phase: Phase
    experiment: Experiment
    config: str
    stages: tuple[str, ...]
    axes: tuple[str, ...]

    @property
    def key(self) -> str:
        """Names this work: the same stages are the same work, whichever sweep asks for them."""
        return hashlib.sha256(" ".join(self.stages).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return " ".join((self.phase.value, *self.axes))
