from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from occpred.cluster.slurm_queue import JobState, QueueError, SlurmQueue
from occpred.cluster.submission import Submission, write_outcome
from occpred.cluster.waiting import ended

RUNNING = JobState("RUNNING", is_over=False)


class Told(SlurmQueue):
    """A queue that says, at each look, what it is told to; `None` for nothing at all."""

    def __init__(self, *looks: Mapping[str, JobState] | None) -> None:
        self.looks = list(looks)

    def states(self, jobs: Collection[str]) -> dict[str, JobState]:
        states = self.looks.pop(0)
        if states is None:
            raise QueueError("squeue: no answer")
        return {job: states[job] for job in jobs}


def over(state: str) -> JobState:
    return JobState(state, is_over=True)


def wait(folder: Path, queue: Told, *jobs: str) -> list[tuple[str, str]]:
    """What is found, by job and in order, when no look is left."""
    submissions = [Submission(job, str(folder), "big", (), "somebody") for job in jobs]
    found = [(job.job, failure) for job, failure in ended(submissions, queue, 0.001, lambda states: None)]
    assert not queue.looks
    return found


def test_a_job_is_over_when_it_says_that_it_did_its_work(tmp_path: Path) -> None:
    write_outcome(tmp_path, "7", 0, "")
    assert wait(tmp_path, Told({"7": RUNNING}), "7") == [("7", "")]


def test_a_job_that_says_why_it_failed_is_over_when_it_ended(tmp_path: Path) -> None:
    write_outcome(tmp_path, "7", 0, "Bad people")
    assert wait(tmp_path, Told({"7": RUNNING}, {"7": over("FAILED")}, {"7": over("FAILED")}), "7") == [
        ("7", "Bad people")
    ]


def test_slurm_may_know_better_why_a_job_failed(tmp_path: Path) -> None:
    write_outcome(tmp_path, "7", 0, "Connection closed by peer")
    ((_, failure),) = wait(tmp_path, Told(*[{"7": over("OUT_OF_MEMORY")}] * 2), "7")
    assert failure == "out of memory (raise hydra.launcher.mem_gb)"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("CANCELLED", "cancelled (scancel)"),
        ("OUT_OF_MEMORY", "out of memory (raise hydra.launcher.mem_gb)"),
        ("TIMEOUT", "out of time before it could save (raise hydra.launcher.signal_delay_s, or .*timeout_min)"),
        ("NODE_FAIL", "ended by SLURM: NODE_FAIL, see FOLDER"),
    ],
)
def test_what_ended_without_a_word_has_failed(tmp_path: Path, state: str, reason: str) -> None:
    ((job, failure),) = wait(tmp_path, Told({"7": over(state)}, {"7": over(state)}), "7")
    assert job == "7"
    assert failure == reason.replace("FOLDER", str(tmp_path)).replace(".*", "hydra.launcher.")


def test_what_returns_into_the_queue_has_not_ended(tmp_path: Path) -> None:
    looks: list[dict[str, JobState]] = []
    for state in (over("NODE_FAIL"), RUNNING, over("PREEMPTED"), JobState("PENDING", is_over=False), over("FAILED")):
        looks.append({"7": state})
    assert wait(tmp_path, Told(*looks, {"7": over("FAILED")}), "7") == [
        ("7", f"ended by SLURM: FAILED, see {tmp_path}")
    ]


def test_the_last_word_counts_that_came_late(tmp_path: Path) -> None:
    submissions = [Submission("7", str(tmp_path), "big", (), "somebody")]
    queue = Told({"7": over("COMPLETED")}, {"7": over("COMPLETED")})
    found = list(ended(submissions, queue, 0.001, lambda states: write_outcome(tmp_path, "7", 0, "")))
    assert found == [(submissions[0], "")]


def test_a_task_that_failed_speaks_for_a_job_whose_first_task_could_not(tmp_path: Path) -> None:
    write_outcome(tmp_path, "7", 1, "CUDA out of memory")
    assert wait(tmp_path, Told(*[{"7": over("FAILED")}] * 2), "7") == [("7", "CUDA out of memory")]


def test_a_log_tells_more_of_an_end(tmp_path: Path) -> None:
    (tmp_path / "7_0_log.err").write_text("ModuleNotFoundError: No module named 'occpred'\n", encoding="utf-8")
    ((_, failure),) = wait(tmp_path, Told(*[{"7": over("FAILED")}] * 2), "7")
    assert failure == f"ended by SLURM: FAILED (ModuleNotFoundError: No module named 'occpred'), see {tmp_path}"


def test_a_silent_controller_is_waited_for_and_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    dead = {"7": over("CANCELLED")}
    assert wait(tmp_path, Told(None, dead, None, None, dead, dead), "7") == [("7", "cancelled (scancel)")]
    assert [record.getMessage() for record in caplog.records] == ["squeue: no answer; waiting on"] * 2


def test_what_lives_is_shown(tmp_path: Path) -> None:
    shown: list[Mapping[str, JobState]] = []
    write_outcome(tmp_path, "8", 0, "")
    submissions = [Submission(job, str(tmp_path), "big", (), "somebody") for job in ("7", "8")]
    queue = Told({"7": RUNNING, "8": RUNNING}, {"7": over("CANCELLED")}, {"7": over("CANCELLED")})
    assert [job.job for job, _ in ended(submissions, queue, 0.001, shown.append)] == ["8", "7"]
    assert shown == [{"7": RUNNING}, {"7": over("CANCELLED")}, {}]
