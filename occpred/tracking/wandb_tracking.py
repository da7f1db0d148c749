"""Tracking with Weights & Biases, offline unless asked otherwise.

W&B is a guest: whatever goes wrong in it, from a missing network to a full disk, is reported once and the training goes
on. It is told the settings and the metrics, and nothing about the machine: no code, console, packages, git or host.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from occpred.settings import setting
from occpred.tracking.tracking import RunIdentity, Scalar, Tracker, Tracking

logger = logging.getLogger(__name__)


class WandbMode(Enum):
    """Where runs are kept: in the run's folder (sent later with `wandb sync`), at the server, or nowhere."""

    OFFLINE = "offline"
    ONLINE = "online"
    DISABLED = "disabled"


@dataclass
class WandbTracking(Tracking):
    """A W&B run for each tracked run, under the same W&B id whenever it is resumed."""

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

    def open(self, run: RunIdentity, config: Mapping[str, object], folder: Path) -> Tracker:
        """Start the W&B run, with its files in `folder/wandb`."""
        try:
            return WandbTracker(self._start(run, config, folder))
        except Exception as error:
            if self.mode is WandbMode.ONLINE and not isinstance(error, ImportError):
                _warn("cannot go online, so the run is kept offline; send it later with `wandb sync`", error)
                _end_idle_process()  # which would not give away the run's id a second time
                return replace(self, mode=WandbMode.OFFLINE).open(run, config, folder)
            _warn("cannot start; the run goes on without it", error)
            _end_idle_process()
            return WandbTracker(None)

    def _start(self, run: RunIdentity, config: Mapping[str, object], folder: Path) -> Any:
        import wandb

        # Without this check W&B would ask for a key on the terminal, and a training left alone would wait for ever.
        if self.mode is WandbMode.ONLINE and not wandb.login(prompt=False, verify=False):
            raise ConnectionError("nobody is logged in; `wandb login` does that")
        folder.mkdir(parents=True, exist_ok=True)
        return wandb.init(
            project=self.project,
            entity=self.entity,
            mode=self.mode.value,
            id=run.id,
            name=run.name,
            group=run.group,
            job_type=run.job_type,
            tags=run.tags,
            config=dict(config),
            dir=folder,
            resume="allow",
            reinit="create_new",
            settings=self._wandb_settings(),
        )

    def _wandb_settings(self) -> Any:
        import wandb

        return wandb.Settings(
            console="off",
            silent=True,
            disable_code=True,
            disable_git=True,
            save_code=False,
            symlink=False,  # an artifact folder is moved when it is finished
            x_disable_machine_info=True,
            x_disable_meta=True,
            x_disable_stats=not self.system_statistics,
            x_save_requirements=False,
            init_timeout=self.start_timeout_seconds,
            finish_timeout=self.finish_timeout_seconds,
        )


class WandbTracker(Tracker):
    """One W&B run, or `None` where W&B could not be had: then everything is silently dropped."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self._failed = run is None
        if run is not None:
            _open_trackers.append(self)

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Log at W&B step `step`, so that a step logged again after a resumption is not doubled."""
        self._attempt(lambda: self._run.log(dict(metrics), step=step))

    def log_summary(self, summary: Mapping[str, Scalar]) -> None:
        """Update the run's summary."""
        self._attempt(lambda: self._run.summary.update(dict(summary)))

    def log_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Scalar | None]]) -> None:
        """Log a W&B table."""
        self._attempt(lambda: self._log_table(name, columns, rows))

    def close(self, *, failed: bool = False) -> None:
        """Finish the run as succeeded or failed, and end W&B's process where no other run needs it."""
        if self in _open_trackers:
            _open_trackers.remove(self)
            self._attempt(lambda: self._run.finish(exit_code=int(failed)), even_after_failure=True)
            _end_idle_process()

    def _log_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Scalar | None]]) -> None:
        import wandb

        table = wandb.Table(columns=list(columns), data=[list(row) for row in rows], allow_mixed_types=True)
        self._run.log({name: table}, commit=False)  # a table belongs to no step and must not advance it

    def _attempt(self, action: Callable[[], object], *, even_after_failure: bool = False) -> None:
        if self._failed and not even_after_failure:
            return
        try:
            action()
        except Exception as error:
            if not self._failed:
                _warn("failed; the run goes on without it", error)
            self._failed = True


_open_trackers: list[WandbTracker] = []
"""All trackers not yet closed, for W&B's background process is shared by them."""


def _end_idle_process() -> None:
    """End W&B's background process where no tracker needs it."""
    if "wandb" in sys.modules and not _open_trackers:
        with suppress(Exception):  # it may have died before
            sys.modules["wandb"].teardown()


def _warn(outcome: str, error: Exception) -> None:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    logger.warning("W&B %s (%s)", outcome, reason)
