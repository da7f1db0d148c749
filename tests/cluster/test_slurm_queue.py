"""SLURM's answers, told by commands of the same names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from occpred.cluster import patience
from occpred.cluster.slurm_queue import JobState, QueueError, SlurmQueue

Answers = Callable[..., None]


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Lets each command say something, write down how it was called, and end with an exit code."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def answer(command: str, words: str, code: int = 0, encoding: str = "utf-8") -> None:
        (tmp_path / f"{command}.txt").write_text(words, encoding=encoding)
        script = (
            f'#!/bin/sh\necho "$@" >> {tmp_path}/{command}.calls\ncat {tmp_path}/{command}.txt >&{2 if code else 1}\n'
        )
        (tmp_path / command).write_text(f"{script}exit {code}\n", encoding="utf-8")
        (tmp_path / command).chmod(0o755)

    return answer


def test_jobs_are_asked_for_at_once_and_arrays_as_a_whole(answers: Answers, tmp_path: Path) -> None:
    answers("squeue", "7_0|RUNNING\n7_1|PENDING\n7_2|PENDING\n9|SUSPENDED\n")
    states = SlurmQueue().states(["7_0", "7_1", "9"])
    assert states == {
        "7_0": JobState("RUNNING", is_over=False),
        "7_1": JobState("PENDING", is_over=False),
        "9": JobState("SUSPENDED", is_over=False),
    }
    (call,) = (tmp_path / "squeue.calls").read_text().splitlines()
    assert "--jobs=7,9" in call
    assert not (tmp_path / "sacct.calls").exists(), "what lives is not looked up in the books"


@pytest.mark.parametrize("state", ["REQUEUED", "REQUEUE_HOLD", "CONFIGURING", "PENDING", "STOPPED", "SPECIAL_EXIT"])
def test_what_will_run_again_is_not_over_whatever_the_books_say(answers: Answers, state: str) -> None:
    answers("squeue", f"7|{state}\n")
    answers("sacct", "7|NODE_FAIL\n")
    assert SlurmQueue().states(["7"]) == {"7": JobState(state, is_over=False)}


@pytest.mark.parametrize(
    ("queued", "booked", "state"),
    [
        ("", "7|COMPLETED\n", JobState("COMPLETED", is_over=True)),
        ("", "7|CANCELLED by 1000\n", JobState("CANCELLED", is_over=True)),
        ("", "7|RUNNING\n", JobState("UNKNOWN", is_over=True)),  # the books have not heard of its end
        ("", "", JobState("UNKNOWN", is_over=True)),
        ("7|FAILED\n", "7|RUNNING\n", JobState("FAILED", is_over=True)),
        ("7|FAILED\n", "7|OUT_OF_MEMORY\n", JobState("OUT_OF_MEMORY", is_over=True)),
        ("7|PREEMPTED\n", "", JobState("PREEMPTED", is_over=True)),
        ("7|COMPLETING\n", "7|PREEMPTED\n", JobState("COMPLETING", is_over=False)),
        ("7|COMPLETING\n", "7|NODE_FAIL\n", JobState("COMPLETING", is_over=False)),
        ("7|COMPLETING\n", "7|CANCELLED by 0\n", JobState("CANCELLED", is_over=True)),
    ],
)
def test_the_controller_says_whether_a_job_lives_and_the_books_how_it_ended(
    answers: Answers, queued: str, booked: str, state: JobState
) -> None:
    answers("squeue", queued)
    answers("sacct", booked)
    assert SlurmQueue().states(["7"]) == {"7": state}


def test_the_books_put_jobs_of_an_array_together(answers: Answers) -> None:
    answers("squeue", "")
    answers("sacct", "7_[0-2,5%4]|CANCELLED by 0\n7_3|TIMEOUT\n7_4|FAILED\n")
    states = SlurmQueue().states([f"7_{index}" for index in range(6)])
    assert [state.name for state in states.values()] == ["CANCELLED"] * 3 + ["TIMEOUT", "FAILED", "CANCELLED"]


def test_a_cluster_without_books_is_asked_without_them(answers: Answers) -> None:
    answers("squeue", "7|COMPLETED\n")
    answers("sacct", "Slurm accounting storage is disabled", code=1)
    assert SlurmQueue().states(["7", "8"]) == {
        "7": JobState("COMPLETED", is_over=True),
        "8": JobState("UNKNOWN", is_over=True),
    }


def test_a_single_job_that_is_forgotten_is_over(answers: Answers) -> None:
    answers("squeue", "slurm_load_jobs error: Invalid job id specified", code=1)
    answers("sacct", "7|COMPLETED\n")
    assert SlurmQueue().states(["7"]) == {"7": JobState("COMPLETED", is_over=True)}


def test_a_controller_that_does_not_answer_says_nothing_of_jobs(answers: Answers) -> None:
    answers("squeue", "slurm_load_jobs error: Unable to contact slurm controller\n(connect failure)", code=1)
    with pytest.raises(QueueError, match=r"^squeue: slurm_load_jobs error: .* controller \(connect failure\)$"):
        SlurmQueue().states(["7"])


def test_a_machine_without_slurm_is_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        QueueError, match=r"^scontrol: no such command here; hydra/launcher=slurm is for a SLURM cluster"
    ):
        _ = SlurmQueue().cluster


def test_the_cluster_says_how_it_is_called_and_how_long_arrays_may_be(answers: Answers, tmp_path: Path) -> None:
    answers("scontrol", "Configuration data as of 2026\nClusterName             = big\nMaxArraySize = 1001\nNone\n")
    queue = SlurmQueue()
    assert (queue.cluster, queue.longest_array) == ("big", 1000)
    assert (tmp_path / "scontrol.calls").read_text() == "show config\n"


def test_a_cluster_without_arrays_takes_one_job_at_a_time(answers: Answers) -> None:
    for size in (0, 1):
        answers("scontrol", f"MaxArraySize = {size}\n")
        assert SlurmQueue().longest_array == 1


def test_settings_of_a_cluster_may_be_written_in_any_encoding(answers: Answers) -> None:
    answers("scontrol", "MailDomain = universität.example\nClusterName = big\n", encoding="latin-1")
    assert SlurmQueue().cluster == "big"


@pytest.mark.parametrize("ask", [lambda queue: queue.cluster, lambda queue: queue.requeue("7_0")])
def test_the_controller_may_be_away_for_a_while(
    answers: Answers, ask: Callable[[SlurmQueue], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def come_back(_: float) -> None:
        answers("scontrol", "ClusterName = big\n")

    monkeypatch.setattr(patience.time, "sleep", come_back)
    answers("scontrol", "slurm_load_ctl_conf error: Unable to contact slurm controller (connect failure)", code=1)
    ask(SlurmQueue())
    first, second = (tmp_path / "scontrol.calls").read_text().splitlines()
    assert first == second


def test_jobs_are_cancelled_by_one_command(answers: Answers, tmp_path: Path) -> None:
    answers("scancel", "")
    SlurmQueue().cancel(["7_0", "9"])
    SlurmQueue().cancel([])
    assert (tmp_path / "scancel.calls").read_text() == "7_0 9\n"
