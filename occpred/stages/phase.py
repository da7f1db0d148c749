"""The phases of a sweep: what is launched together, for it is made of one another and needs the same machines."""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """From data to results, in the order in which a sweep goes through them."""

    PREPARE = "prepare"
    REASON = "reason"
    SFT = "sft"
    PAIRS = "pairs"
    DPO = "dpo"
    EVALUATE = "evaluate"
