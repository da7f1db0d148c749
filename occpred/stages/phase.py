"""The phases of a sweep: what is launched together, for it is made of one another and needs the same machines."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from occpred.training.trainer import Trainer


class Phase(Enum):
    """From data to results, in the order in which a sweep goes through them."""

    PREPARE = "prepare"
    REASON = "reason"
    SFT = "sft"
    PAIRS = "pairs"
    DPO = "dpo"
    EVALUATE = "evaluate"

    @property
    def is_shared(self) -> bool:
        """Whether all processes of a job have something to do; else the first would do everything."""
        return self not in (Phase.PREPARE, Phase.REASON)

    def trainer(self, given: Trainer) -> Trainer:
        """That of the phase's jobs, `given` the experiment's: with one process, where there is nothing to share."""
        return given if self.is_shared else replace(given, devices=1, num_nodes=1)
