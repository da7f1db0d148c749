"""The launcher against commands that only talk like SLURM's, for what a real cluster does not do when asked to."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hydra._internal.callbacks import Callbacks
from hydra.core.plugins import Plugins
from hydra.types import HydraContext

from occpred.cluster import patience
from occpred.cluster.ledger import Ledger
from occpred.cluster.submission import Submission, write_outcome
from occpred.config.slurm_launcher import SlurmLauncher
from occpred.config.slurm_request import as_submitted
from occpred.config.sweep_task import SweepTask
from occpred.stages.phase import Phase
from occpred.stages.work import Work
from tests.config.test_slurm_settings import composed
from tests.stages.conftest import small_experiment_in

STAGE = "prepare/0123456789abcdef"
KEY = "prepare-0123456789abcdef"
BUSY = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
SLEEP = time.sleep
GONE = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"


@dataclass
class Cluster:
    """A cluster whose commands answer what stands in files of a folder.

    Attributes:
        folder: where commands are, and write down how they were called.
        slept: how long was waited, in place of waiting.
        while_away: what happens meanwhile.
    """

    folder: Path
    slept: list[float] = field(default_factory=list)
    while_away: Callable[[], None] = lambda: None

    def answer(self, command: str, line: str) -> None:
        """Have a command do what a line of shell says."""
        script = f'#!/bin/sh\ncd {self.folder}\necho "$@" >> {command}.calls\n{line}\n'
        (self.folder / command).write_text(script, encoding="utf-8")
        (self.folder / command).chmod(0o755)

    def refuse(self, command: str, words: str, then: str) -> None:
        """Have the first call of a command fail with these words, and later ones do what a line of shell says."""
        self.answer(command, f"test $(wc -l < {command}.calls) -gt 1 || {{ echo '{words}' >&2; exit 1; }}\n{then}")

    def calls(self, command: str) -> int:
        file = self.folder / f"{command}.calls"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def sleep(self, seconds: float) -> None:
        if seconds < 1:  # somebody waits for a process
            SLEEP(seconds)
        else:
            self.slept.append(seconds)
            self.while_away()

    @property
    def logs(self) -> Path:
        return self.folder / "sweep" / ".submitit"

    def say_done(self, job: str) -> None:
        """Let a job end well, also before it begins."""
        (self.logs / job).mkdir(parents=True, exist_ok=True)
        write_outcome(self.logs / job, job, 0, "")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster that calls the next job 7 and keeps it running."""
    cluster = Cluster(tmp_path)
    cluster.answer("scontrol", "printf 'ClusterName = big\\nMaxArraySize = 1001\\n'")
    cluster.answer("sbatch", "echo Submitted batch job 7")
    cluster.answer("squeue", "echo '7|RUNNING'")
    cluster.answer("scancel", "")
    cluster.answer("srun", "")
    cluster.answer("sacct", "")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr(patience.time, "sleep", cluster.sleep)
    return cluster


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(Phase.PREPARE, small_experiment_in(tmp_path / "artifacts"), config="", stages=(STAGE,), axes=())


def set_up(cluster: Cluster, work: Work) -> SlurmLauncher:
    config = composed("hydra/launcher=slurm", f"hydra.sweep.dir={cluster.folder / 'sweep'}", "sweep.name=night")
    context = HydraContext(config_loader=None, callbacks=Callbacks())  # type: ignore[arg-type]
    launcher = Plugins.instance().instantiate_launcher(context, SweepTask({0: work}), config)
    assert isinstance(launcher, SlurmLauncher)
    return launcher


def launch(cluster: Cluster, work: Work) -> str:
    """Why the work failed; an empty text where it did not."""
    (result,) = set_up(cluster, work).launch([["seed=0"]], 0)
    return str(result._return_value or "")


def ledger_of(work: Work) -> Ledger:
    return Ledger(Path(as_submitted(work).experiment.store))


def submitted(cluster: Cluster, job: str) -> Submission:
    return Submission(job, str(cluster.logs / job), "big", (STAGE,), "somebody on login1")


def test_a_busy_controller_is_asked_to_take_jobs_again(cluster: Cluster, work: Work) -> None:
    cluster.say_done("7")
    cluster.refuse("sbatch", BUSY, then="echo Submitted batch job 7")
    assert launch(cluster, work) == ""
    assert cluster.calls("sbatch") == 2
    assert cluster.slept == [1]
    found = ledger_of(work).find(KEY)
    assert found
    assert (found.job, found.folder) == ("7", str(cluster.logs / "7"))


def test_what_the_controller_will_refuse_again_is_not_asked_again(cluster: Cluster, work: Work) -> None:
    cluster.refuse("sbatch", "sbatch: error: invalid partition specified: nowhere", then="echo Submitted batch job 7")
    assert launch(cluster, work) == "SLURM refused the job: invalid partition specified: nowhere"
    assert cluster.calls("sbatch") == 1


def test_a_controller_that_is_away_is_asked_again_for_jobs_of_others(cluster: Cluster, work: Work) -> None:
    with ledger_of(work).lock():
        ledger_of(work).write(KEY, submitted(cluster, "5"))
    cluster.refuse("squeue", GONE, then="echo '5|RUNNING'")
    cluster.while_away = lambda: cluster.say_done("5") if cluster.calls("squeue") > 1 else None
    assert launch(cluster, work) == ""
    assert not cluster.calls("sbatch"), "it was found"


def test_jobs_that_cannot_be_put_on_record_are_waited_for(
    cluster: Cluster, work: Work, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Ledger, "write", fail)
    cluster.say_done("7")
    assert launch(cluster, work) == ""
    assert (
        "No space left on device: other sweeps cannot know of these jobs, and may submit the same again" in caplog.text
    )


def test_an_interrupt_does_not_end_a_submission_halfway(cluster: Cluster, work: Work) -> None:
    cluster.answer("sbatch", "kill -INT $$\necho Submitted batch job 7")  # as a terminal sends it
    cluster.say_done("7")
    assert launch(cluster, work) == ""


def test_what_is_interrupted_is_cancelled_and_then_taken_off_the_record(
    cluster: Cluster, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    launch_and_interrupt(cluster, work, caplog, scancel=f"cp artifacts/submitted/{KEY}.json when_cancelled.json")
    assert json.loads((cluster.folder / "when_cancelled.json").read_text())["job"] == "7"
    assert ledger_of(work).find(KEY) is None
    assert "cancelled 1 SLURM jobs that this command submitted" in caplog.messages


def test_what_could_not_be_cancelled_stays_on_record(
    cluster: Cluster, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    launch_and_interrupt(cluster, work, caplog, scancel=f"echo '{GONE}' >&2; exit 1")
    assert ledger_of(work).find(KEY)
    assert f"scancel: {GONE}; 1 SLURM jobs may go on, and the same command finds them" in caplog.messages
    assert "cancelled" not in caplog.text


def launch_and_interrupt(cluster: Cluster, work: Work, caplog: pytest.LogCaptureFixture, scancel: str) -> None:
    """Press Ctrl-C while the job is waited for; `scancel` is what that command then does."""
    caplog.set_level("INFO")
    cluster.while_away = interrupt
    cluster.answer("scancel", scancel)
    with pytest.raises(KeyboardInterrupt):
        launch(cluster, work)


def interrupt() -> None:
    raise KeyboardInterrupt


def test_what_a_job_of_another_launcher_did_not_do_is_submitted_once(cluster: Cluster, work: Work) -> None:
    with ledger_of(work).lock():
        ledger_of(work).write(KEY, submitted(cluster, "5"))
    # It runs when it is found, and has ended at the next look.
    ended = "test $(wc -l < squeue.calls) -gt 1 && echo '5|CANCELLED' || echo '5|RUNNING'"
    cluster.answer("squeue", f"{ended}; echo '7|OUT_OF_MEMORY'")
    assert launch(cluster, work) == "out of memory (raise hydra.launcher.mem_gb)", "its own job fails, too"
    assert cluster.calls("sbatch") == 1


def test_what_somebody_made_meanwhile_is_not_submitted(cluster: Cluster, work: Work) -> None:
    with ledger_of(work).lock():
        ledger_of(work).write(KEY, submitted(cluster, "5"))
    cluster.answer("squeue", "test $(wc -l < squeue.calls) -gt 1 && echo '5|CANCELLED' || echo '5|RUNNING'")
    folder = Path(as_submitted(work).experiment.store) / STAGE
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text("{}", encoding="utf-8")
    assert launch(cluster, work) == "cancelled (scancel)"
    assert not cluster.calls("sbatch")
