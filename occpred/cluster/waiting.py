"""Waiting until jobs are over, and saying why they failed."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from occpred.cluster.slurm_queue import JobState, QueueError, SlurmQueue
from occpred.cluster.submission import Submission

logger = logging.getLogger(__name__)

_LOOKS_TO_BE_SURE = 2
"""A job may be between its end and its return into the queue, and its last file on its way over the network."""

_REASONS = {
    "CANCELLED": "cancelled (scancel)",
    "OUT_OF_MEMORY": "out of memory (raise hydra.launcher.mem_gb)",
    "TIMEOUT": "out of time before it could save (raise hydra.launcher.signal_delay_s, or hydra.launcher.timeout_min)",
}


def ended(
    submissions: Sequence[Submission],
    queue: SlurmQueue,
    poll_seconds: float,
    looked: Callable[[Mapping[str, JobState]], None],
) -> Iterator[tuple[Submission, str]]:
    """Yield each job when it is over, with why it failed, in a line; empty where it did not.

    Args:
        submissions: the jobs.
        queue: where they are.
        poll_seconds: time between two looks.
        looked: told of the states of the jobs that live, at each look.
    """
    living = {submission.job: submission for submission in submissions}
    seen_over: Counter[str] = Counter()
    is_silent = False
    while living:
        states: Mapping[str, JobState] = {}
        try:
            states = queue.states(list(living))
            is_silent = False
        except QueueError as error:
            if not is_silent:
                logger.warning("%s; waiting on", error)
            is_silent = True
        # Files are looked at after the queue: whatever a job that is over had to say is there by now.
        for job, submission in list(living.items()):
            state = states.get(job)
            seen_over[job] = seen_over[job] + 1 if state and state.is_over else 0
            said = submission.failure()
            if said == "":
                failure = ""
            elif state and seen_over[job] == _LOOKS_TO_BE_SURE:
                failure = _REASONS.get(state.name) or said or _other_reason(submission, state)
            else:
                continue  # also where it said that it failed: SLURM may know better why
            del living[job]
            yield submission, failure
        looked({job: state for job, state in states.items() if job in living})
        if living:
            time.sleep(poll_seconds)


def _other_reason(submission: Submission, state: JobState) -> str:
    for failure in submission.failures_of_others():
        return failure
    words = submission.last_words()
    return f"ended by SLURM: {state.name}{f' ({words})' if words else ''}, see {submission.folder}"
