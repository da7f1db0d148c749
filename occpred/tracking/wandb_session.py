"""Starting runs of W&B, and ending its process.

W&B keeps what it is told, and sends it, in a process of its own, `wandb-core`, which all runs of this process share.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from occpred.tracking.tracking import RunIdentity

logger = logging.getLogger(__name__)

OF_A_SWEEP = {"WANDB_SWEEP_ID", "WANDB_RUN_ID"}
"""What a W&B agent tells the process that it starts: whatever run begins there is taken for the one it waits for."""
_LONGEST_TAG = 64
"""Characters; W&B refuses a run with a longer one."""
_FLUSH_SECONDS = 1.0
"""What is logged is in the run's file after so long, for W&B's process may be ended by signals meant for the job."""


@dataclass(frozen=True)
class Session:
    """A run of W&B that can be started, and started again.

    Attributes:
        run: which run.
        config: shown beside its metrics.
        folder: where W&B's files go.
        project, entity: where the run belongs; without an entity, to whoever is logged in.
        online: whether it is sent at once.
        settings: further settings of W&B.
    """

    run: RunIdentity
    config: Mapping[str, object]
    folder: Path
    project: str
    entity: str | None
    online: bool
    settings: Mapping[str, Any]

    def start(self) -> Any:
        """Return W&B's run, offline where it cannot be online. Raises whatever comes up."""
        with nullcontext() if self.run.is_outcome else _outside_of_sweeps():
            try:
                return self._start()
            except Exception as error:
                end_idle_process()  # which would not give away the run's id a second time
                if not self.online or isinstance(error, ImportError):
                    raise
                warn("cannot go online, so the run is kept offline; send it later with `wandb sync`", error)
                return replace(self, online=False).start()

    def _start(self) -> Any:
        import wandb

        wandb.setup(wandb.Settings(silent=True))
        # Without this check W&B would ask for a key on the terminal, and a training left alone would wait for ever.
        if self.online and not wandb.login(prompt=False, verify=False):
            raise ConnectionError("nobody is logged in; `wandb login` does that")
        return wandb.init(
            project=self.project,
            entity=self.entity,
            mode="online" if self.online else "offline",
            id=self.run.id,
            name=self.run.name,
            group=self.run.group,
            job_type=self.run.job_type,
            tags=[_short(tag) for tag in self.run.tags if tag],
            config=dict(self.config),
            dir=self.folder,
            resume="allow",
            reinit="create_new",
            settings=wandb.Settings(
                console="off",
                silent=True,
                disable_code=True,
                disable_git=True,
                save_code=False,
                host="",
                program="occpred",  # not where it is installed
                symlink=False,  # an artifact folder is moved when it is finished
                x_disable_machine_info=True,
                x_disable_meta=True,
                x_save_requirements=False,
                x_transaction_log_flush_interval=_FLUSH_SECONDS,
                **self.settings,
            ),
        )


_open_trackers: list[object] = []
"""All that need W&B's process."""


@contextmanager
def _outside_of_sweeps() -> Iterator[None]:
    hidden = {name: os.environ.pop(name) for name in [*OF_A_SWEEP, "WANDB_SWEEP_PARAM_PATH"] if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _short(tag: str) -> str:
    """The tag itself, or so much of it as W&B takes, told apart from others that begin alike."""
    if len(tag) <= _LONGEST_TAG:
        return tag
    digest = hashlib.sha256(tag.encode()).hexdigest()[:8]
    return f"{tag[: _LONGEST_TAG - len(digest) - 1]}~{digest}"


def need_process(tracker: object) -> None:
    """Keep W&B's process for `tracker`, once it is started."""
    _open_trackers.append(tracker)


def no_longer_need_process(tracker: object) -> None:
    """End W&B's process where no other tracker needs it."""
    if tracker in _open_trackers:
        _open_trackers.remove(tracker)
    end_idle_process()


def end_idle_process() -> None:
    """End W&B's process where no tracker needs it."""
    if "wandb" in sys.modules and not _open_trackers:
        with suppress(Exception):  # it may have died before
            sys.modules["wandb"].teardown()


def kill_process() -> None:
    """End W&B's process whatever it is doing."""
    with suppress(Exception):
        process = sys.modules["wandb"].setup()._connection._proc._process
        process.kill()
        process.wait()


def warn(outcome: str, error: Exception) -> None:
    """Tell the user in one line what became of W&B, and why."""
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    logger.warning("W&B %s (%s)", outcome, reason)
