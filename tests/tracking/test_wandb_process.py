"""What becomes of W&B's process, and of what it was told, when the job is stopped, killed, or short of disk space."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from occpred.tracking.tracking import Ending
from occpred.tracking.wandb_tracking import WandbTracking
from tests.servers.server_process import ROOT
from tests.tracking.conftest import exit_codes, history, records, run_folders
from tests.tracking.run_example import RUN
from tests.tracking.tracking_worker import work

KILL_WAIT_SECONDS = 30
"""How long SLURM waits between SIGTERM and SIGKILL."""


@contextmanager
def worker(**options: Any) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.tracking.tracking_worker", json.dumps(options)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "logging\n", process.stderr.read() if process.stderr else ""
            yield process
        finally:
            process.kill()


def wandb_core_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [child for child in psutil.Process(process.pid).children(recursive=True) if child.name() == "wandb-core"]


def test_a_signal_to_all_processes_of_a_job_costs_no_step(tmp_path: Path) -> None:
    # SLURM ends the job's processes all alike, so W&B's is gone before the training has saved its state.
    with worker(folder=str(tmp_path)) as process:
        (core,) = wandb_core_of(process)
        for each in (core, process):
            each.send_signal(signal.SIGTERM)
        printed, errors = process.communicate(timeout=KILL_WAIT_SECONDS)
        assert process.returncode == 128 + signal.SIGTERM, errors
    last_step = int(printed)
    (interrupted,) = run_folders(tmp_path)
    steps = range(1, last_step + 1)
    assert history(interrupted, "loss") == [(step, 100.0 - step) for step in steps]
    assert exit_codes(interrupted) == [1]
    assert [record for record in records(interrupted) if record.HasField("preempting")]

    work(str(tmp_path), first_step=last_step - 1, end=last_step + 3)
    (whole,) = run_folders(tmp_path)
    assert history(whole, "loss") == [(step, 100.0 - step) for step in range(1, last_step + 3)]
    assert exit_codes(whole) == [0]


def test_wandb_ends_with_a_job_that_is_killed_and_the_next_one_knows_all_steps(tmp_path: Path) -> None:
    with worker(folder=str(tmp_path)) as process:
        (core,) = wandb_core_of(process)
        time.sleep(0.2)
        process.kill()
        process.wait()
        core.wait(timeout=KILL_WAIT_SECONDS)
    (killed,) = run_folders(tmp_path)
    logged = [json.loads(line)["step"] for line in (tmp_path / "wandb.jsonl").read_text().splitlines()[1:-1]]
    work(str(tmp_path), first_step=3, end=6)
    (whole,) = run_folders(tmp_path)
    assert whole != killed
    steps = [step for step, _ in history(whole, "loss")]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) >= max(5, *logged)


def test_a_full_disk_does_not_stop_the_job(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, living_children: Callable[[], list[str]]
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))  # no file can grow any more
    try:
        work(str(tmp_path), end=30)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert living_children() == []
    assert "the run goes on without it" in caplog.text


def test_a_wandb_that_hangs_is_given_up_when_the_job_is_to_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, living_children: Callable[[], list[str]]
) -> None:
    tracker = WandbTracking(interrupted_timeout_seconds=0.2).open(RUN, {}, tmp_path)
    tracker.log_metrics({"loss": 1.0}, 1)
    for child in psutil.Process().children(recursive=True):
        if child.name() == "wandb-core":
            child.suspend()
    tracker.close(Ending.INTERRUPTED)
    assert living_children() == []
    assert "took too long" in caplog.text
    with WandbTracking().open(RUN, {}, tmp_path) as tracker:
        tracker.log_metrics({"loss": 2.0}, 2)
    (whole,) = run_folders(tmp_path)
    assert history(whole, "loss") == [(1, 1.0), (2, 2.0)]


def test_a_wandb_that_dies_is_begun_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, living_children: Callable[[], list[str]]
) -> None:
    with WandbTracking().open(RUN, {}, tmp_path) as tracker:
        tracker.log_metrics({"loss": 1.0}, 1)
        for process in psutil.Process().children(recursive=True):
            process.kill()
            process.wait()
        for step in range(1, 5):
            tracker.log_metrics({"loss": 1.0 / step}, step)
        tracker.log_table("examples", ["a"], [["b"]])
        tracker.log_summary({"AccEM": 1.0})
    assert living_children() == []
    warnings = [record.getMessage() for record in caplog.records if record.name.startswith("occpred")]
    assert [warning.partition(" (")[0] for warning in warnings] == [
        "W&B failed; it is told what it missed when the run ends"
    ]
    (whole,) = run_folders(tmp_path)
    assert history(whole, "loss") == [(step, 1.0 / step) for step in range(1, 5)]
    assert list((whole / "files").rglob("examples*.json"))
