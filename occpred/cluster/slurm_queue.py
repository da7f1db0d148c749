"""What SLURM says of jobs, asked for all of them at once."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial

from occpred.cluster.patience import patiently
from occpred.errors import UserError

_ENDED = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
}
_UNKNOWN = "UNKNOWN"
_PATIENCE_SECONDS = 60


class QueueError(UserError):
    """SLURM did not answer; the message says what it was asked and what it said. It may answer the next time."""


@dataclass(frozen=True)
class JobState:
    """What has become of a job.

    Attributes:
        name: SLURM's word for it, such as `RUNNING`, or `UNKNOWN`.
        is_over: whether it will not run again. A job that is queued again after its node failed, or after it had to
            make room for another, is not over.
    """

    name: str
    is_over: bool


class SlurmQueue:
    """The queue of the cluster that this machine belongs to. Jobs are called by id, `7`, or in an array, `7_0`."""

    def states(self, jobs: Collection[str]) -> dict[str, JobState]:
        """Look at jobs, by two commands however many there are.

        Whether a job lives is for the controller to say; the books (`sacct`) know how it ended after the controller
        has forgotten it, but they lag behind, and tell nothing where a cluster keeps none.

        Raises:
            QueueError: the controller did not answer.
        """
        queued = self._queued(jobs)
        ended = [job for job in jobs if queued.get(job, _UNKNOWN) in {*_ENDED, _UNKNOWN, "COMPLETING"}]
        booked = self._booked(ended) if ended else {}
        return {job: _state(queued.get(job, _UNKNOWN), booked.get(job, _UNKNOWN)) for job in jobs}

    def cancel(self, jobs: Collection[str]) -> None:
        """End jobs for good, undisturbed by a further Ctrl-C.

        Raises:
            QueueError: the controller did not answer.
        """
        if jobs:
            _run("scancel", *jobs)

    def requeue(self, job: str) -> None:
        """Have a running job start anew, which ends it; asked `patiently`.

        Raises:
            QueueError: SLURM refused, or the controller did not answer.
        """
        patiently(partial(_run, "scontrol", "requeue", job))

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self._configuration["ClusterName"]

    @property
    def longest_array(self) -> int:
        """How many jobs can be submitted as one array; one, where the cluster has no arrays."""
        return max(1, int(self._configuration["MaxArraySize"]) - 1)

    @cached_property
    def _configuration(self) -> dict[str, str]:
        text = patiently(partial(_run, "scontrol", "show", "config"))
        pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
        return {name.strip(): value.strip() for name, value in pairs}

    def _queued(self, jobs: Collection[str]) -> dict[str, str]:
        try:
            text = _run("squeue", "--noheader", "--array", "--states=all", "--format=%i|%T", f"--jobs={_ids(jobs)}")
        except QueueError as error:
            if "Invalid job id" in str(error):  # asked for a single job that it has forgotten
                return {}
            raise
        return dict(_read(text))

    def _booked(self, jobs: Collection[str]) -> dict[str, str]:
        try:
            text = _run(
                "sacct", "--allocations", "--noheader", "--parsable2", "--format=JobID,State", f"-j{_ids(jobs)}"
            )
        except QueueError:
            return {}
        return dict(_read(text))


def _state(queued: str, booked: str) -> JobState:
    if queued == "COMPLETING":  # either on its way into the queue again, or out of it
        return JobState(booked if booked == "CANCELLED" else queued, is_over=booked == "CANCELLED")
    if queued not in {*_ENDED, _UNKNOWN}:
        return JobState(queued, is_over=False)
    return JobState(booked if booked in _ENDED else queued, is_over=True)


def _ids(jobs: Iterable[str]) -> str:
    """The ids to ask by: an array is asked for as a whole."""
    return ",".join(sorted({job.partition("_")[0] for job in jobs}))


def _read(text: str) -> Iterator[tuple[str, str]]:
    """Read lines such as `7_[0-2,5%4]|CANCELLED by 1000`."""
    for line in text.splitlines():
        ids, _, state = line.partition("|")
        for job in _jobs(ids):
            yield job, state.split()[0] if state else _UNKNOWN


def _jobs(ids: str) -> Iterator[str]:
    array = re.fullmatch(r"(\d+)_\[([\d,-]+)(?:%\d+)?\]", ids)
    if array is None:
        yield ids
        return
    for part in array[2].split(","):
        first, _, last = part.partition("-")
        yield from (f"{array[1]}_{index}" for index in range(int(first), int(last or first) + 1))


def _run(*command: str) -> str:
    try:
        # In a session of its own: the terminal sends Ctrl-C to all processes of this one.
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",  # a cluster's settings may hold names in any encoding
            check=True,
            timeout=_PATIENCE_SECONDS,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise QueueError(f"{command[0]}: no such command here; hydra/launcher=slurm is for a SLURM cluster") from error
    except subprocess.TimeoutExpired as error:
        raise QueueError(f"{command[0]}: no answer from SLURM within {_PATIENCE_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        raise QueueError(" ".join(f"{command[0]}: {error.stderr}".split())) from error
    return done.stdout
