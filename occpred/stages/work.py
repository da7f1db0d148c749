"""What one launched job of a sweep makes: stages that several runs of the sweep may share."""

from __future__ import annotations

from dataclasses import dataclass

from occpred.experiment import Experiment
from occpred.stages.phase import Phase
from occpred.training.trainer import Trainer


@dataclass(frozen=True)
class Work:
    """Stages of one phase that are needed by the same runs of a sweep, so one job makes them.

    Attributes:
        phase: what kind of work it is.
        experiment: one of the experiments that need it; all of them describe these stages alike.
        config: its settings as YAML, for the report.
        stages: references (`train/0123456789abcdef`) of what is to be made, inputs first.
        axes: the overrides that all runs that need it have in common, such as `("lora.rank=8",)`.
        role: which of the run's models it is about, such as `predictor`, where a run has several in this phase.
        command: how the sweep was asked for, for the report.
    """

    phase: Phase
    experiment: Experiment
    config: str
    stages: tuple[str, ...]
    axes: tuple[str, ...]
    role: str = ""
    command: str = ""

    @property
    def key(self) -> str:
        """Names this work, as a file may be called: by the last thing that it makes.

        So it keeps its name while it is under way and some of its stages are there already. Work that another sweep
        calls the same ends with the same stage, but may have begun with fewer.
        """
        return self.stages[-1].replace("/", "-")

    @property
    def trainer(self) -> Trainer:
        """How many processes its job has, and on what they compute."""
        return self.phase.trainer(self.experiment.trainer)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.phase.value, self.role, *self.axes)))
