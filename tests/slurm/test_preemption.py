"""Trainings that the cluster interrupts in every way it has, against the same ones that nothing disturbs."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import psutil
import pytest

from occpred.artifacts.signature import reference
from occpred.artifacts.store import ArtifactStore
from occpred.distributed.launch import together
from occpred.experiment import Experiment
from occpred.stages import prefer
from occpred.stages.answer import AnswerByBaselines
from occpred.stages.language_model import TrainingStage
from occpred.stages.road import plan
from occpred.stages.train_preference import TrainOnPreferences
from occpred.training.resume import ResumePoint
from tests.slurm.lab import NODES
from tests.slurm.slurm import SMALLER, Slurm, run
from tests.stages.conftest import small_experiment_in
from tests.stages.test_systems import half_right

pytestmark = pytest.mark.slow

# Dropout makes every step depend on random numbers; many steps leave time to be interrupted in.
SETTINGS = (
    "preference=outcome",
    "preference.sampling.num_samples=2",
    "lora.dropout=0.1",
    "optimizer.batch_size=4",
    "optimizer.epochs=4",
    "preference_optimizer.batch_size=4",
    "preference_optimizer.epochs=4",
    "trainer.rows_per_forward=1",
    "trainer.checkpoint_every_steps=1",
)
RESULT = ("checkpoint/adapter_model.safetensors", "trajectory.jsonl", "training.json", "tracking/metrics.csv")


@dataclass
class Trainings:
    """What is trained: by fine-tuning with seed 1, and on the preferences of what was fine-tuned with seed 0."""

    sft: TrainingStage
    dpo: TrainingStage
    baselines: AnswerByBaselines

    @classmethod
    def of(cls, store: Path, *overrides: str) -> Trainings:
        first, second = (small_experiment_in(store, *SMALLER, *SETTINGS, *overrides, f"seed={seed}") for seed in (0, 1))
        dpo, other = (plan(experiment).evaluated.answer.predictor for experiment in (first, second))
        assert isinstance(dpo, TrainOnPreferences)
        assert isinstance(other, TrainOnPreferences)
        return cls(other.start, dpo, plan(first).evaluated.baselines)


@dataclass
class Job:
    """A job that trains.

    Attributes:
        slurm: where.
        stage: what it makes.
        tasks: its processes; once they were found in the middle of training, they stand still there.
    """

    slurm: Slurm
    sweep: subprocess.Popen[str]
    stage: TrainingStage
    num_tasks: int = 1
    tasks: Sequence[psutil.Process] = field(default=())

    @property
    def id(self) -> str:
        """SLURM's."""
        (found,) = [
            record["job"]
            for record in map(_read, (self.slurm.store / "submitted").glob("*.json"))
            if reference(self.stage) in record["stages"]
        ]
        return str(found)

    @property
    def checkpoint(self) -> Path:
        name, signature = reference(self.stage).split("/")
        return self.slurm.store / name / f".{signature}.partial" / "resume.ckpt"

    def stop_in_the_middle(self) -> None:
        """Wait until it has come further than when it was last disturbed, and let it stand still there."""
        known = {task.pid for task in self.tasks}
        self._wait_for(lambda: len(self._tasks_but(known)) == self.num_tasks)
        self.tasks = self._tasks_but(known)
        stamp = self._stamp()
        self._wait_for(lambda: self._stamp() != stamp)
        for task in self.tasks:
            task.suspend()
        assert not ArtifactStore(self.slurm.store).is_done(self.stage), "it was too fast"

    def go_on(self) -> None:
        for task in self.tasks:
            task.resume()

    def _tasks_but(self, known: set[int]) -> list[psutil.Process]:
        return [task for task in self.slurm.processes(self.id) if task.pid not in known]

    def _stamp(self) -> int:
        with suppress(FileNotFoundError):
            return self.checkpoint.stat().st_mtime_ns
        return 0

    def _wait_for(self, is_so: Callable[[], bool]) -> None:
        self.slurm.wait_for(is_so, self.sweep)


def _read(file: Path) -> dict[str, str]:
    record: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return record


def queue_again(jobs: Sequence[Job]) -> None:
    """An administrator has jobs start anew."""
    run("scontrol", "requeue", ",".join(job.id for job in jobs))


def preempt(jobs: Sequence[Job]) -> None:
    """A job of higher priority needs all nodes."""
    run("sbatch", "--partition=urgent", f"--nodes={len(NODES)}", "--exclusive", "--output=/dev/null", "--wrap=true")


def run_out_of_time(jobs: Sequence[Job]) -> None:
    """The time limit comes so near that SLURM tells the jobs; it looks twice a minute."""
    for job in jobs:
        minutes = int((time.time() - job.tasks[0].create_time()) // 60)
        run("scontrol", "update", f"JobId={job.id}", f"TimeLimit={minutes + 2}")
    for job in jobs:
        job._wait_for(lambda job=job: all(_is_told(task, signal.SIGUSR2) for task in job.tasks))
        job.go_on()
    for job in jobs:
        job._wait_for(lambda job=job: not any(task.is_running() for task in job.tasks))
        run("scontrol", "update", f"JobId={job.id}", "TimeLimit=240")


def _is_told(task: psutil.Process, number: signal.Signals) -> bool:
    """Whether the signal waits for the process to go on."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{task.pid}/status").read_text().splitlines())
    return bool((int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)) >> (number - 1) & 1)


def fail_nodes(jobs: Sequence[Job]) -> None:
    """All nodes are gone at once, and come back: what stands still can save nothing."""
    for node in NODES:
        run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    for job in jobs:
        job._wait_for(lambda job=job: not any(task.is_running() for task in job.tasks))
    for node in NODES:
        run("scontrol", "update", f"NodeName={node}", "State=RESUME")


def undisturbed(store: Path, monkeypatch: pytest.MonkeyPatch) -> Trainings:
    """Make both trainings, and whatever is made before them, in this process."""
    trainings = Trainings.of(store)
    with monkeypatch.context() as patch:
        patch.setattr(prefer, "write_completions", half_right)
        ArtifactStore(store).make_all([trainings.sft, trainings.dpo, trainings.baselines])
    return trainings


def copy_without(store: Path, copy: Path, trainings: Trainings) -> None:
    left_out = {Path(reference(stage)).name for stage in (trainings.sft, trainings.dpo)}
    shutil.copytree(store, copy, ignore=lambda _, names: left_out & {*names})


def test_both_trainings_end_as_if_nothing_had_happened(
    slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "undisturbed"
    t0 = time.time()
    trainings = undisturbed(store, monkeypatch)
    print("undisturbed", time.time() - t0)
    copy_without(store, slurm.store, trainings)
    sweep = slurm.sweep(*SETTINGS, "seed=0,1")
    slurm.wait_for(lambda: "SLURM jobs submitted" in slurm.output(sweep), while_runs=sweep)
    jobs = [Job(slurm, sweep, stage) for stage in (trainings.sft, trainings.dpo)]
    print("submitted", time.time() - t0)
    for disturb in (queue_again, preempt, run_out_of_time, fail_nodes):
        for job in jobs:
            job.stop_in_the_middle()
            import torch
            print(job.stage.name, torch.load(ResumePoint(job.checkpoint).find(), weights_only=True)["global_step"])
        print(disturb.__name__, time.time() - t0)
        disturb(jobs)
        print("done", time.time() - t0)
    for job in jobs:
        slurm.wait_for(lambda job=job: ArtifactStore(slurm.store).is_done(job.stage), while_runs=sweep)
        for name in RESULT:
            file = Path(reference(job.stage), name)
            assert (slurm.store / file).read_bytes() == (store / file).read_bytes(), file
    print("end", time.time() - t0)
