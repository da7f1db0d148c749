"""hydra/launcher=slurm: the jobs of a sweep on a SLURM cluster."""

from __future__ import annotations

import getpass
import json
import logging
import signal
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext, TaskFunction
from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher as SubmititLauncher
from omegaconf import DictConfig

from occpred.artifacts.provenance import GitError, commit_of_code
from occpred.artifacts.store import ArtifactStore
from occpred.cluster.ledger import Ledger
from occpred.cluster.patience import patiently
from occpred.cluster.slurm_jobs import DirtyTree, SlurmJobs
from occpred.cluster.slurm_queue import JobState, QueueError, SlurmQueue
from occpred.cluster.snapshot import snapshot
from occpred.cluster.submission import Submission
from occpred.cluster.waiting import ended
from occpred.config.job_config import config_of_job
from occpred.config.slurm_job import SlurmJob
from occpred.config.slurm_request import as_submitted, parameters, python, settings_for
from occpred.config.sweep_task import JobError, SweepTask
from occpred.errors import UserError
from occpred.interruption import postponed
from occpred.progress import tally
from occpred.settings import SettingError

logger = logging.getLogger(__name__)


class SlurmLauncher(SubmititLauncher):  # type: ignore[misc]
    """Submits jobs by submitit and waits until they are over.

    Work that a job is doing already, whoever submitted it, is not submitted again but waited for. So a launcher that
    died loses nothing: its jobs go on, and the same command finds them. Ctrl-C cancels the jobs that this process
    submitted, and leaves others alone.

    Args:
        settings: those of `SlurmJobs`.
    """

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what jobs need.

        Raises:
            UserError: a setting is out of range, the code is dirty where it must not be, or there is no SLURM here.
        """
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        try:
            self._settings = SlurmJobs(**self.params)
        except SettingError as error:  # a component does not know under which key the user addresses it
            raise SettingError(f"hydra.launcher{str(error).removeprefix(SlurmJobs.__name__)}") from None
        if not isinstance(task_function, SweepTask):
            raise UserError("hydra/launcher=slurm: give hydra/sweeper=staged with it")
        self._works = task_function.works
        if self._settings.dirty_tree is DirtyTree.REFUSE:
            _refuse_dirty_tree()
        self._queue = SlurmQueue()
        self._cluster = self._queue.cluster
        self._code = Path(config.hydra.sweep.dir).absolute() / "code"
        self._logs = Path(self._settings.submitit_folder).absolute()

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Submit what nobody does yet, wait for all, and return what came of them, in their order.

        What a job of another launcher did not bring about is submitted after all: it may have been cancelled, or asked
        for too little.
        """
        jobs = [self._job(number, overrides) for number, overrides in enumerate(job_overrides, start=initial_job_idx)]
        failures: dict[str, str] = {}  # by the keys of works, as what follows
        own: dict[str, Submission] = {}
        ledger = Ledger(Path(jobs[0].work.experiment.store))
        left = jobs
        try:
            while left:
                others, came = self._round(left, ledger, own)
                failures |= came
                left = [job for job in left if job.work.key in others and failures[job.work.key] and not _is_made(job)]
        except KeyboardInterrupt:
            self._cancel(own, ledger)
            raise
        return [_result(overrides, failures[job.work.key]) for overrides, job in zip(job_overrides, jobs, strict=True)]

    def _round(
        self, jobs: Sequence[SlurmJob], ledger: Ledger, own: dict[str, Submission]
    ) -> tuple[dict[str, Submission], dict[str, str]]:
        """Submit jobs, but for those that others have submitted, and wait for all.

        Returns:
            The jobs of others, and why works failed, an empty text for those that did not; both by the keys of works.
        """
        with ledger.lock():
            others = self._others(jobs, ledger)
            missing = [job for job in jobs if job.work.key not in others]
            refused = self._submit(missing, ledger, own)
        submitted = {job.work.key: own[job.work.key] for job in missing if job.work.key not in refused}
        logger.info(
            "%d SLURM jobs submitted, %d found that do the rest already; logs: %s",
            len(submitted),
            len(others),
            self._logs,
        )
        return others, refused | self._wait(others | submitted, already_over=len(refused))

    def _job(self, number: int, overrides: Sequence[str]) -> SlurmJob:
        assert self.hydra_context is not None
        assert self.config is not None
        work = as_submitted(self._works[number])
        task = SweepTask({number: work})  # each job is sent what it makes, and no more
        timeout_min = settings_for(work, self._settings).timeout_min
        return SlurmJob(self.hydra_context, task, config_of_job(self.config, overrides, number), timeout_min)

    def _others(self, jobs: Sequence[SlurmJob], ledger: Ledger) -> dict[str, Submission]:
        """Jobs that are at these works already."""
        on_record = {job.work.key: ledger.find(job.work.key) for job in jobs}
        missing = {job.work.key: {*job.work.stages} for job in jobs}
        candidates = {
            key: found
            for key, found in on_record.items()
            if found and found.cluster == self._cluster and missing[key] <= {*found.stages}
        }
        ids = [found.job for found in candidates.values()]
        states = patiently(partial(self._queue.states, ids)) if ids else {}
        return {
            key: found for key, found in candidates.items() if not states[found.job].is_over and found.failure() is None
        }

    def _submit(self, jobs: Sequence[SlurmJob], ledger: Ledger, own: dict[str, Submission]) -> dict[str, str]:
        """Submit jobs, put them on record and into `own`; return why some were refused, by the keys of their works."""
        failures: dict[str, str] = {}
        for asked, batch in self._batches(jobs):
            try:
                # A job that SLURM took, but could not say so, waits for the second one to make its artifacts.
                patiently(partial(self._submit_array, asked, batch, ledger, own))
            except Exception as error:
                words = "; ".join(str(error).replace("sbatch: error: ", "").split("\n"))
                failures |= dict.fromkeys((job.work.key for job in batch), f"SLURM refused the job: {words}")
        return failures

    def _batches(self, jobs: Sequence[SlurmJob]) -> Iterator[tuple[dict[str, Any], list[SlurmJob]]]:
        """Put together what can be submitted as one array: what asks for the same, as far as arrays may be long."""
        if not jobs:
            return
        code = _snapshot_of_this_process(self._code)
        alike: dict[str, tuple[dict[str, Any], list[SlurmJob]]] = {}
        for job in jobs:
            asked = parameters(job.work, settings_for(job.work, self._settings), code)
            alike.setdefault(json.dumps(asked, sort_keys=True), (asked, []))[1].append(job)
        size = self._queue.longest_array
        for asked, batch in alike.values():
            yield from ((asked, batch[start : start + size]) for start in range(0, len(batch), size))

    def _submit_array(
        self, asked: Mapping[str, Any], jobs: Sequence[SlurmJob], ledger: Ledger, own: dict[str, Submission]
    ) -> None:
        import submitit

        executor = submitit.AutoExecutor(
            folder=self._logs,
            cluster="slurm",
            slurm_max_num_timeout=self._settings.max_num_timeout,
            slurm_python=python(),
        )
        executor.update_parameters(**asked)
        by = f"{getpass.getuser()} on {socket.gethostname()}"
        with postponed():  # nothing is submitted without being known here, and on record
            with _children_left_alone():
                handles = executor.submit_array(jobs)
            for handle, job in zip(handles, jobs, strict=True):
                own[job.work.key] = Submission(
                    handle.job_id, str(handle.paths.folder), self._cluster, job.work.stages, by
                )
            try:
                for job in jobs:
                    ledger.write(job.work.key, own[job.work.key])
            except OSError as error:
                logger.warning("%s: other sweeps cannot know of these jobs, and may submit the same again", error)

    def _wait(self, submissions: Mapping[str, Submission], already_over: int) -> dict[str, str]:
        """Return why jobs failed, by the keys of their works; an empty text for those that did not."""
        keys = {submission.job: key for key, submission in submissions.items()}
        failures: dict[str, str] = {}
        with tally("slurm", total=already_over + len(keys), unit="job") as count:
            count(already_over, "")

            def show(states: Mapping[str, JobState]) -> None:
                numbers = Counter(state.name.lower() for state in states.values())
                count(0, ", ".join(f"{number} {name}" for name, number in sorted(numbers.items())))

            for submission, failure in ended(
                list(submissions.values()), self._queue, self._settings.poll_seconds, show
            ):
                failures[keys[submission.job]] = failure
                logger.info("SLURM job %s: %s", submission.job, f"failed: {failure}" if failure else "done")
                count(1, "")
        return failures

    def _cancel(self, own: Mapping[str, Submission], ledger: Ledger) -> None:
        living = {key: submission for key, submission in own.items() if submission.failure() is None}
        with postponed():
            try:
                self._queue.cancel([submission.job for submission in living.values()])
            except QueueError as error:
                logger.warning("%s; %d SLURM jobs may go on, and the same command finds them", error, len(living))
                return
            for key, submission in living.items():
                ledger.remove(key, submission)
            logger.info("cancelled %d SLURM jobs that this command submitted", len(living))


def _refuse_dirty_tree() -> None:
    try:
        is_dirty = (commit_of_code() or {}).get("dirty")
        why = "the package has changes that are not committed; commit them" if is_dirty else ""
    except GitError as error:
        why = f"git cannot say whether the package is committed ({error}); mend that"
    if why:
        raise UserError(
            f"hydra.launcher.dirty_tree=REFUSE: {why}, or give SNAPSHOT to run jobs with a copy of it as it is"
        )


@contextmanager
def _children_left_alone() -> Iterator[None]:
    """Let Ctrl-C, which a terminal sends to all processes, reach this one later, and none that it starts meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # what is blocked stays so in children
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _is_made(job: SlurmJob) -> bool:
    return all(map(ArtifactStore(Path(job.work.experiment.store)).has, job.work.stages))


_snapshot_of_this_process = cache(snapshot)
"""All jobs that a process submits, in this wave of a sweep and in later ones, run the same code."""


def _result(overrides: Sequence[str], failure: str) -> JobReturn:
    result = JobReturn(overrides=list(overrides), status=JobStatus.FAILED if failure else JobStatus.COMPLETED)
    result.return_value = JobError(failure) if failure else None
    return result
