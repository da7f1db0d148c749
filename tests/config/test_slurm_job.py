"""A job as submitit runs it, in a process of its own; SLURM's word for `requeue` is a script."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from submitit import JobEnvironment
from submitit.core.utils import DelayedSubmission, JobPaths

from occpred.cluster.submission import Submission
from occpred.config.slurm_job import SlurmJob
from occpred.config.sweep_task import SweepTask
from occpred.stages.phase import Phase
from occpred.stages.work import Work
from tests.stages.conftest import small_experiment_in

ROOT = Path(__file__).resolve().parents[2]
AWAY = "Unable to contact slurm controller (connect failure)"


class ToldToStop(SlurmJob):
    """A job that gets the signal which submitit asked SLURM to send before the time limit."""

    def _run(self, environment: JobEnvironment) -> Exception | None:
        signal.raise_signal(signal.Signals[f"SIG{environment.USR_SIG}"])
        return AssertionError("went on")


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a job that is told to stop, where `scontrol` does not answer to the first of its calls."""

    def run_job(*, times_away: int = 0, words: str = AWAY, **variables: str) -> subprocess.CompletedProcess[str]:
        script = f"""#!/bin/sh
            echo "$@" >> {tmp_path}/calls
            test $(wc -l < {tmp_path}/calls) -gt {times_away} || {{ echo '{words}' >&2; exit 1; }}
        """
        (tmp_path / "scontrol").write_text(script, encoding="utf-8")
        (tmp_path / "scontrol").chmod(0o755)
        work = Work(Phase.PREPARE, small_experiment_in(tmp_path / "artifacts"), "", ("prepare/0123456789abcdef",), ())
        config = OmegaConf.create({"hydra": {"job": {"num": 0}}})
        job = ToldToStop(None, SweepTask({0: work}), config, timeout_min=240)  # type: ignore[arg-type]
        submission = DelayedSubmission(job)
        submission.set_timeout(240, 3)
        submission.dump(JobPaths(tmp_path, job_id="7", task_id=0).submitted_pickle)
        paths = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
        return subprocess.run(
            [sys.executable, "-m", "submitit.core._submit", str(tmp_path)],
            env={**os.environ, "PATH": paths, "SUBMITIT_EXECUTOR": "slurm", "SLURM_JOB_ID": "7", **variables},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    return run_job


def said_by_job(folder: Path) -> str | None:
    return Submission("7", str(folder), "big", (), "somebody").failure()


def test_a_job_that_is_told_to_stop_is_queued_again_and_says_nothing(run: Run, tmp_path: Path) -> None:
    ended = run()
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "calls").read_text() == "requeue 7\n"
    assert said_by_job(tmp_path) is None


def test_the_controller_may_be_away_when_the_time_is_over(run: Run, tmp_path: Path) -> None:
    ended = run(times_away=2)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "calls").read_text() == "requeue 7\n" * 3
    assert said_by_job(tmp_path) is None


def test_a_job_that_cannot_be_queued_again_says_why(run: Run, tmp_path: Path) -> None:
    ended = run(times_away=9, words="Requested operation is presently disabled")
    assert ended.returncode == 1
    assert said_by_job(tmp_path) == "scontrol: Requested operation is presently disabled"


def test_the_signal_is_the_one_that_submitit_asks_for(run: Run, tmp_path: Path) -> None:
    ended = run(SUBMITIT_PREEMPT_SIGNAL="USR1")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "calls").read_text() == "requeue 7\n"
