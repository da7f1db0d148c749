"""What a stage asks of chat models: where earlier answers lie, what was asked, what was given up."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from occpred.records import Call, Unanswered


@dataclass
class Correspondence:
    """Handed to teachers and judges, which note in it every call that their results rest on, in the order of the plan.

    A call counts whether it was made now or answered in an earlier run, so equal results come with equal notes.
    """

    journals: Path
    """Folder of the answers of all runs that share a store; nothing is asked again that is answered there."""
    calls: list[Call] = field(default_factory=list)
    """One for each answer, also for those that had to be asked again because they were malformed."""
    unanswered: list[Unanswered] = field(default_factory=list)
    """What was set aside, and why."""
