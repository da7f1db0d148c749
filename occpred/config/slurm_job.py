"""A job of a sweep, as SLURM runs it: what each of its tasks does, and what when it is told to stop."""

from __future__ import annotations

import copy
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from hydra.core.utils import JobRuntime, run_job, setup_globals
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict

from occpred.cluster.patience import SECONDS_OF_PATIENCE
from occpred.cluster.restarts import headway, is_stuck
from occpred.cluster.slurm_queue import QueueError, SlurmQueue
from occpred.cluster.submission import forget_outcome, write_outcome
from occpred.config.sweep_task import JobError, SweepTask, in_one_line
from occpred.interruption import Interrupted, heeded
from occpred.stages.work import Work

if TYPE_CHECKING:
    from submitit import JobEnvironment
    from submitit.helpers import DelayedSubmission

_EXIT_CODE_TERMINATED = 143
_SECONDS_FOR_REQUEUE = 60 + SECONDS_OF_PATIENCE
"""How long other tasks wait for the first one to have the job queued again, which ends them."""
_SECONDS_TOLD_EARLY = 600
"""SLURM looks at time limits now and then only, and start-up takes its time, too."""


@dataclass(frozen=True)
class SlurmJob:
    """Called by submitit, with its signal handlers installed, in each task of the job.

    What it makes was settled when it was submitted. No config is composed here, from files that were edited meanwhile.

    Attributes:
        context: Hydra's.
        task: it knows the work of this job.
        config: the job's own.
        timeout_min: minutes after which it is queued again.
    """

    context: HydraContext
    task: SweepTask
    config: DictConfig
    timeout_min: int

    @property
    def work(self) -> Work:
        """What the job makes."""
        return self.task.works[self.config.hydra.job.num]

    def __call__(self) -> None:
        """Do one task's part of the work, and leave word of how it ended, unless it is to go on.

        Raises:
            JobError: it failed; so it is a failed job for SLURM, too.
        """
        import submitit

        environment = submitit.JobEnvironment()
        started = time.monotonic()
        folder, job, rank = environment.paths.folder, environment.job_id, environment.global_rank
        forget_outcome(folder, job, rank)
        out_of_time = signal.Signals[f"SIG{environment.USR_SIG}"]  # what submitit has SLURM send
        queue_again = signal.getsignal(out_of_time)
        assert callable(queue_again)
        error: Exception | None = None
        try:
            with heeded(out_of_time, signal.SIGTERM):
                error = self._run(environment)
        except Interrupted as told:
            if told.number == signal.SIGTERM:  # SLURM itself has queued the job again, or ended it for good
                _leave(_EXIT_CODE_TERMINATED)
            if rank:
                _wait_to_be_ended()
            if reason := self._why_not_later(folder / f"{job}_headway.json", time.monotonic() - started):
                error = JobError(reason)
            else:
                error = _queue_again(partial(queue_again, told.number, None), job)
        except Exception as unforeseen:
            error = unforeseen
        write_outcome(folder, job, rank, in_one_line(error) if error else "")
        if error:
            raise JobError(in_one_line(error)) from error

    def checkpoint(self) -> DelayedSubmission:
        """What is to be called when the job runs again: the same."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def _run(self, environment: JobEnvironment) -> Exception | None:
        """Run the work as Hydra runs jobs; return the error that ended it, if one did."""
        setup_globals()
        JobRuntime.instance().set("name", self.config.hydra.job.name)
        is_first = environment.global_rank == 0
        config = copy.deepcopy(self.config)  # what runs again, if it is to, is what was submitted
        with open_dict(config):
            config.hydra.job.id = environment.job_id
            if not is_first:
                config.hydra.output_subdir = None
        _log_once(only_what_goes_wrong=not is_first)
        result = run_job(
            self.task,
            config,
            "hydra.sweep.dir",
            "hydra.sweep.subdir",
            hydra_context=self.context,
            configure_logging=is_first,
        )
        error = result._return_value  # its property `return_value` would print lines of Hydra's own
        return error if isinstance(error, Exception) else None

    def _why_not_later(self, note: Path, ran_seconds: float) -> str:
        """Why the job is not to be queued again; empty where it is. `note` says how far it had come the last time."""
        is_out_of_time = ran_seconds > 60 * self.timeout_min - _SECONDS_TOLD_EARLY
        won = headway(Path(self.work.experiment.store), self.work.stages)
        if is_out_of_time and is_stuck(note, won):
            return (
                "ran out of time twice without getting any further; raise "
                f"hydra.launcher.timeout_min={self.timeout_min}"
            )
        return ""


def _queue_again(by_submitit: Callable[[], object], job: str) -> Exception:
    """Have the job queued again, and end; or return what kept it from that."""
    try:
        by_submitit()
    except SystemExit:
        _leave(0)
    except subprocess.SubprocessError:  # all is written down for the next time, and SLURM has not heard of it
        try:
            SlurmQueue().requeue(job)
        except QueueError as error:
            return error
        _leave(0)
    except Exception as error:
        return error
    return JobError("out of time, and submitit did not queue the job again")


def _log_once(*, only_what_goes_wrong: bool) -> None:
    logging.getLogger("submitit").propagate = False  # it has a handler of its own
    if only_what_goes_wrong:
        handler = logging.StreamHandler()
        handler.setLevel(logging.WARNING)
        logging.getLogger().addHandler(handler)


def _wait_to_be_ended() -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    time.sleep(_SECONDS_FOR_REQUEUE)
    _leave(0)


def _leave(code: int) -> NoReturn:
    """End at once: threads and children of libraries may wait for what does not come."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
