"""hydra/launcher=local: the jobs of a sweep side by side, in processes of their own, on this machine."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobRuntime, JobStatus, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from occpred.cluster.job_process import JobLostError, JobProcess
from occpred.cluster.job_queue import Job, run_side_by_side
from occpred.cluster.local_processes import LocalProcesses
from occpred.cluster.machine import Machine
from occpred.config.job_config import config_of_job
from occpred.config.sweep_task import JobError, SweepTask, in_one_line
from occpred.language_model.device import Accelerator
from occpred.progress import tally
from occpred.settings import SettingError, range_errors

logger = logging.getLogger(__name__)

_LOG = "job.log"


class LocalLauncher(Launcher):
    """Runs each job in a process of its own; its output goes into `job.log` in the job's folder.

    A job that fails, or is killed, does not keep others from running. When this process is told to stop, so are the
    jobs; when it dies, they end.

    Args:
        settings: those of `LocalProcesses`.
    """

    def __init__(self, **settings: Any) -> None:
        self._settings = settings

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what jobs need, and share out this machine.

        Raises:
            SettingError: a setting is out of range.
            UserError: there are not as many GPUs as one job needs.
        """
        for message in range_errors(LocalProcesses, self._settings, prefix="hydra.launcher."):
            raise SettingError(message)
        settings = LocalProcesses(**self._settings)
        self._shares = settings.shares(Machine.here(), *_enough_for_all(task_function, config))
        self._context, self._task, self._config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run jobs and return what came of them, in their order."""
        jobs = [
            _LocalJob(self._context, self._task, config_of_job(self._config, overrides, number))
            for number, overrides in enumerate(job_overrides, start=initial_job_idx)
        ]
        results: dict[int, JobReturn] = {}
        logger.info("%s; each writes %s in %s", self._how_many(len(jobs)), _LOG, self._config.hydra.sweep.dir)
        with tally("jobs", total=len(jobs), unit="job") as count:

            def keep(index: int, process: JobProcess) -> None:
                results[index] = jobs[index].result(process)
                count(1, self._how_many(len(jobs) - len(results)))

            run_side_by_side([Job(job, job.log) for job in jobs], self._shares, keep)
        return [results[index] for index in range(len(jobs))]

    def _how_many(self, left: int) -> str:
        running = min(left, len(self._shares))
        return f"{running} running, {left - running} waiting"


def _enough_for_all(task: TaskFunction, config: DictConfig) -> tuple[int, Accelerator]:
    """Devices and accelerator of the most demanding job. Of jobs that are no works only the common config is known."""
    trainers = [work.trainer for work in task.works.values()] if isinstance(task, SweepTask) else [config.trainer]
    accelerators = [trainer.accelerator for trainer in trainers if trainer.accelerator is not Accelerator.cpu]
    return max(trainer.devices for trainer in trainers), next(iter(accelerators), Accelerator.cpu)


@dataclass(frozen=True)
class _LocalJob:
    """One job: called in a process of its own."""

    context: HydraContext
    task: TaskFunction
    config: DictConfig

    def __call__(self) -> JobReturn:
        """Run it as Hydra does. An error becomes a line of text, as it may not survive the way back."""
        setup_globals()
        JobRuntime.instance().set("name", self.config.hydra.job.name)
        result = run_job(self.task, self.config, "hydra.sweep.dir", "hydra.sweep.subdir", hydra_context=self.context)
        if result.status is JobStatus.FAILED:
            result.return_value = JobError(in_one_line(result._return_value))
        return result

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return Path(self.config.hydra.sweep.dir, self.config.hydra.sweep.subdir, _LOG)

    def result(self, process: JobProcess) -> JobReturn:
        """What came of it, also where it was killed; says so in a line of the log."""
        try:
            result: JobReturn = process.result()
        except JobLostError as error:
            overrides = list(self.config.hydra.overrides.task)
            result = JobReturn(overrides=overrides, status=JobStatus.FAILED)
            result.return_value = JobError(str(error))
        failed = result.status is JobStatus.FAILED
        logger.info("%s: %s", self, f"failed: {result._return_value}" if failed else "done")
        return result

    def __str__(self) -> str:
        job, overrides = self.config.hydra.job, self.config.hydra.overrides.task
        what = self.task.works[job.num] if isinstance(self.task, SweepTask) else " ".join(overrides)
        return f"[{job.num}] {what}"
