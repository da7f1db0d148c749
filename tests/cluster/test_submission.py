from __future__ import annotations

from pathlib import Path

import pytest

from occpred.cluster.submission import Submission, forget_outcome, write_outcome


@pytest.fixture
def submission(tmp_path: Path) -> Submission:
    return Submission("7_0", str(tmp_path), "big", ("prepare/0123456789abcdef",), "somebody on login1")


def test_a_job_that_says_nothing_has_not_ended(submission: Submission, tmp_path: Path) -> None:
    assert submission.failure() is None
    write_outcome(tmp_path, "7_0", 1, "")
    assert submission.failure() is None, "its first task speaks for all"


@pytest.mark.parametrize("failure", ["", "Bad people: 1 row\twas “odd”"])
def test_a_job_says_how_it_ended(submission: Submission, tmp_path: Path, failure: str) -> None:
    write_outcome(tmp_path, "7_0", 0, failure)
    assert submission.failure() == failure
    forget_outcome(tmp_path, "7_0", 0)
    forget_outcome(tmp_path, "7_0", 0)
    assert submission.failure() is None


def test_a_job_whose_folder_is_gone_says_nothing(tmp_path: Path) -> None:
    submission = Submission("7", str(tmp_path / "gone"), "big", (), "somebody")
    assert submission.failure() is None
    assert submission.failures_of_others() == []
    assert submission.last_words() == ""


def test_other_tasks_say_why_they_failed(submission: Submission, tmp_path: Path) -> None:
    write_outcome(tmp_path, "7_0", 1, "")
    write_outcome(tmp_path, "7_0", 2, "no GPU")
    write_outcome(tmp_path, "7_1", 0, "of another job")
    assert submission.failures_of_others() == ["no GPU"]


def test_the_last_words_are_its_own(submission: Submission, tmp_path: Path) -> None:
    log = tmp_path / "7_0_0_log.err"
    log.write_text("module: command not found\nrank: 1/9\rrank: 9/9\n\nsrun: error: vm: task 0: Exited\n", "utf-8")
    assert submission.last_words() == "module: command not found"
    (tmp_path / "7_0_1_log.err").write_text("rank 1 ends: process 0 of 2 failed\n", encoding="utf-8")
    assert submission.last_words() == "rank 1 ends: process 0 of 2 failed"
