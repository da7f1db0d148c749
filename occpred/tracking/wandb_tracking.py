"""Tracking with Weights & Biases, offline unless asked otherwise.

W&B is a guest: whatever goes wrong in it, from a missing network to a full disk, is reported once and the training goes
on. It is told the settings and the metrics, and nothing about the machine: no code, console, packages, git or host.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from occpred.settings import setting
from occpred.tracking.tracking import NullTracker, RunIdentity, Tracker, Tracking
from occpred.tracking.wandb_session import OF_A_SWEEP, Session
from occpred.tracking.wandb_tracker import WandbTracker


class WandbMode(Enum):
    """Where runs are kept: in the run's folder (sent later with `wandb sync`), at the server, or nowhere."""

    OFFLINE = "offline"
    ONLINE = "online"
    DISABLED = "disabled"


@dataclass
class WandbTracking(Tracking):
    """A W&B run for each tracked run, under the same W&B id whenever it is resumed.

    Where a W&B agent started this process, the run with the experiment's outcome is the one that the agent's sweep
    waits for; all other runs are what they are without a sweep.
    """

    project: str = setting("occpred", incidental=True)
    """W&B project that the runs belong to."""
    entity: str | None = setting(None, incidental=True)
    """W&B user or team; by default the one that is logged in."""
    mode: WandbMode = setting(WandbMode.OFFLINE, incidental=True)
    """`ONLINE` falls back to `OFFLINE` where nobody is logged in or the server cannot be reached."""
    system_statistics: bool = setting(False, incidental=True)
    """Whether W&B samples processor, memory and GPU use during the run."""
    start_timeout_seconds: float = setting(30.0, above=0, incidental=True)
    """How long to wait for the server before going on offline."""
    finish_timeout_seconds: float = setting(300.0, above=0, incidental=True)
    """How long to wait at the end for data still being sent; the rest stays in the folder."""
    interrupted_timeout_seconds: float = setting(10.0, above=0, incidental=True)
    """How long a job that was told to stop may wait for W&B; what is missing then is added when it is resumed."""

    def open(self, run: RunIdentity, config: Mapping[str, object], folder: Path) -> Tracker:
        """Start the W&B run, with its files in `folder`."""
        if self.mode is WandbMode.DISABLED:
            return NullTracker()
        session = Session(
            run=run,
            config=config,
            folder=folder,
            project=self.project,
            entity=self.entity,
            online=self.mode is WandbMode.ONLINE,
            settings={
                "x_disable_stats": not self.system_statistics,
                "init_timeout": self.start_timeout_seconds,
                "finish_timeout": self.finish_timeout_seconds,
            },
        )
        return WandbTracker(session, self.interrupted_timeout_seconds)

    def is_awaited(self) -> bool:
        """Whether a W&B agent started this process."""
        return self.mode is not WandbMode.DISABLED and os.environ.keys() >= OF_A_SWEEP
