"""Trainings that a cluster interrupts in every way it has, against the same ones that nothing disturbs."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch

from occpred.artifacts.signature import reference
from occpred.artifacts.store import ArtifactStore
from occpred.distributed.launch import together
from occpred.stages import prefer
from occpred.stages.answer import AnswerByBaselines
from occpred.stages.language_model import TrainingStage
from occpred.stages.road import plan
from occpred.stages.train_preference import TrainOnPreferences
from tests.slurm.lab import NODES
from tests.slurm.slurm import SMALLER, Slurm, processes_of_cluster, run
from tests.stages.conftest import small_experiment_in
from tests.stages.test_systems import half_right

pytestmark = pytest.mark.slurm

# Dropout makes every step depend on random numbers; some twenty steps leave time to be interrupted in.
SETTINGS = (
    "preference=outcome",
    "preference.sampling.num_samples=2",
    "lora.dropout=0.1",
    "optimizer.batch_size=4",
    "optimizer.epochs=2",
    "preference_optimizer.batch_size=4",
    "preference_optimizer.epochs=2",
    "trainer.rows_per_forward=1",
    "trainer.checkpoint_every_steps=1",
)
MINUTES_TO_GO_ON = 3
TOLD_EARLY = f"hydra.launcher.signal_delay_s={60 * MINUTES_TO_GO_ON}"
RESULT = ("checkpoint/adapter_model.safetensors", "trajectory.jsonl", "training.json", "tracking/metrics.csv")


@dataclass(frozen=True)
class Trainings:
    """What is trained here: by fine-tuning with seed 1, and on preferences with seed 0, after fine-tuning.

    So one sweep trains both at a time, and what happens to the nodes happens to both.
    """

    sft: TrainingStage
    dpo: TrainingStage
    baselines: AnswerByBaselines

    @classmethod
    def of(cls, store: Path, *overrides: str) -> Trainings:
        evaluated = [
            plan(small_experiment_in(store, *SMALLER, *SETTINGS, f"seed={seed}", *overrides)).evaluated
            for seed in (0, 1)
        ]
        dpo, other = (each.answer.predictor for each in evaluated)
        assert isinstance(dpo, TrainOnPreferences)
        assert isinstance(other, TrainOnPreferences)
        return cls(other.start, dpo, evaluated[0].baselines)

    def copy_without(self, store: Path, copy: Path) -> None:
        """Copy a store, but not what is trained."""
        left_out = {Path(reference(stage)).name for stage in (self.sft, self.dpo)}
        shutil.copytree(store, copy, ignore=lambda _, names: left_out & {*names})


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trainings]:
    """Both trainings, and whatever is made before them, made in this process; and the store they are in."""
    store = tmp_path_factory.mktemp("undisturbed")
    trainings = Trainings.of(store)
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in jobs: sums over several are rounded in another way
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prefer, "write_completions", half_right)
        ArtifactStore(store).make_all([trainings.sft, trainings.dpo, trainings.baselines])
    torch.set_num_threads(num_threads)
    return store, trainings


@dataclass
class Job:
    """A job that trains.

    Attributes:
        slurm: where.
        stage: what it makes.
        tasks: its processes, as they were seen last.
        is_caught: whether they stand still in the middle of training, or have ended since.
    """

    slurm: Slurm
    stage: TrainingStage
    tasks: Sequence[psutil.Process] = ()
    is_caught: bool = True
    seen: int = 0

    @property
    def id(self) -> str:
        """SLURM's."""
        records = (json.loads(file.read_text()) for file in (self.slurm.store / "submitted").glob("*.json"))
        (found,) = [record["job"] for record in records if reference(self.stage) in record["stages"]]
        return str(found)

    def is_started_anew(self) -> bool:
        """Whether it has been started again since it was caught."""
        if self.is_caught:
            before = {task.pid for task in self.tasks}
            found = [task for task in self.slurm.processes(self.id) if task.pid not in before]
            if len(found) == self.stage.trainer.num_processes:
                self.tasks, self.is_caught, self.seen = found, False, self.last_saved()
        return not self.is_caught

    def catch(self) -> bool:
        """Whether it has come further since it was started anew; if so, it is made to stand still there."""
        if not self.is_caught and self.last_saved() != self.seen:
            for task in self.tasks:
                task.suspend()
            self.is_caught = True
        return self.is_caught

    def last_saved(self) -> int:
        """When its checkpoint was written."""
        name, signature = reference(self.stage).split("/")
        with suppress(FileNotFoundError):
            return (self.slurm.store / name / f".{signature}.partial" / "resume.ckpt").stat().st_mtime_ns
        return 0

    def has_ended(self) -> bool:
        return not any(task.is_running() for task in self.tasks)


def catch(jobs: Sequence[Job], sweep: subprocess.Popen[str]) -> None:
    """Wait until each of the jobs is in the middle of training, and further than before; let it stand still there."""
    started: set[str] = set()

    def caught() -> bool:
        started.update(job.id for job in jobs if job.id not in started and job.is_started_anew())
        for _ in range(50):
            are_caught = [job.catch() for job in jobs]
            if all(are_caught) and len(started) == len(jobs):
                return True
            time.sleep(0.01)  # a step takes no longer
        return False

    jobs[0].slurm.wait_for(caught, while_runs=sweep)
    assert not any(ArtifactStore(job.slurm.store).is_done(job.stage) for job in jobs), "too fast to be caught"


def is_submitted(slurm: Slurm, sweep: subprocess.Popen[str]) -> bool:
    return "SLURM jobs submitted" in slurm.output(sweep)


Disturbance = Callable[[Sequence[Job], subprocess.Popen[str]], None]
"""Ends jobs that stand still in the middle of training. They are told to go on before they are told to end."""


def queue_again(jobs: Sequence[Job], sweep: subprocess.Popen[str]) -> None:
    """An administrator has them start anew."""
    run("scontrol", "requeue", ",".join(job.id for job in jobs))


def preempt(jobs: Sequence[Job], sweep: subprocess.Popen[str]) -> None:
    """Somebody with higher priority needs all nodes."""
    run("sbatch", "--partition=urgent", f"--nodes={len(NODES)}", "--exclusive", "--output=/dev/null", "--wrap=true")


def tell(jobs: Sequence[Job], sweep: subprocess.Popen[str]) -> None:
    """They get the signal that comes before the time limit, long before it."""
    run("scancel", "--signal=USR2", *(job.id for job in jobs))
    for task in (task for job in jobs for task in job.tasks):
        task.resume()


def run_out_of_time(jobs: Sequence[Job], sweep: subprocess.Popen[str]) -> None:
    """The time limit comes near; SLURM looks twice a minute, and leaves them at least a minute and a half."""
    for job in jobs:
        minutes = int((time.time() - job.tasks[0].create_time()) // 60)
        run("scontrol", "update", f"JobId={job.id}", f"TimeLimit={minutes + MINUTES_TO_GO_ON}")
    for job in jobs:
        job.slurm.wait_for(job.has_ended, while_runs=sweep)
        run("scontrol", "update", f"JobId={job.id}", "TimeLimit=240")


def fail_nodes(jobs: Sequence[Job], sweep: subprocess.Popen[str]) -> None:
    """The power goes and comes back. Nobody is told, so nothing is saved."""
    for process in processes_of_nodes(jobs):
        with suppress(psutil.NoSuchProcess):  # it ended when its parent did
            process.kill()
    for node in NODES:
        run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    for node in NODES:
        with suppress(subprocess.CalledProcessError):  # it may have reported for service by itself
            run("scontrol", "update", f"NodeName={node}", "State=RESUME")


def processes_of_nodes(jobs: Sequence[Job]) -> list[psutil.Process]:
    """Everything that nodes run for these jobs; first of all SLURM's own processes, which would tell of the others."""
    ids = {job.tasks[0].environ()["SLURM_JOB_ID"] for job in jobs}
    found = [process for process, variables in processes_of_cluster() if variables["SLURM_JOB_ID"] in ids]
    parents = {parent for process in found if (parent := process.parent()) and parent.name().startswith("slurmstepd")}
    return [*parents, *found]


def assert_equal(job: Job, sweep: subprocess.Popen[str], expected: Path, told: Sequence[signal.Signals]) -> None:
    """Wait for what a job makes; it is the same as in another store, to the last bit, and was saved when told to."""
    job.slurm.wait_for(partial(ArtifactStore(job.slurm.store).is_done, job.stage), while_runs=sweep)
    for name in RESULT:
        file = Path(reference(job.stage), name)
        assert (job.slurm.store / file).read_bytes() == (expected / file).read_bytes(), file
    said = "".join(log.read_text() for log in job.slurm.logs(job.id))
    assert re.findall(r"told to stop by (SIG\w+): saved before step \d+", said) == [each.name for each in told]


def test_trainings_end_as_if_nothing_had_happened(slurm: Slurm, undisturbed: tuple[Path, Trainings]) -> None:
    store, trainings = undisturbed
    trainings.copy_without(store, slurm.store)
    sweep = slurm.sweep(*SETTINGS, TOLD_EARLY, "seed=0,1")
    slurm.wait_for(partial(is_submitted, slurm, sweep), while_runs=sweep)
    jobs = [Job(slurm, trainings.sft), Job(slurm, trainings.dpo)]
    disturbances: list[Disturbance] = [queue_again, preempt, run_out_of_time, fail_nodes]
    for disturb in disturbances:
        catch(jobs, sweep)
        disturb(jobs, sweep)
    for job in jobs:
        assert_equal(job, sweep, store, told=[signal.SIGTERM, signal.SIGTERM, signal.SIGUSR2])


def test_trainings_by_two_tasks_and_by_two_nodes_do_so_too(
    slurm: Slurm, undisturbed: tuple[Path, Trainings], tmp_path: Path
) -> None:
    alone, trainings = undisturbed
    trainings.copy_without(alone, slurm.store)
    trainings.copy_without(alone, tmp_path / "undisturbed")
    by_two = [Trainings.of(slurm.store, shared) for shared in ("trainer.devices=2", "trainer.num_nodes=2")]
    store = ArtifactStore(tmp_path / "undisturbed")
    together(2, partial(store.make_all, [by_two[0].sft, by_two[0].dpo]))
    sweeps = [
        slurm.sweep(*SETTINGS, TOLD_EARLY, "seed=1", "trainer.devices=2"),
        slurm.sweep(*SETTINGS, TOLD_EARLY, "seed=0", "trainer.num_nodes=2"),
    ]
    for sweep in sweeps:
        slurm.wait_for(partial(is_submitted, slurm, sweep), while_runs=sweep)
    jobs = [Job(slurm, by_two[0].sft), Job(slurm, by_two[1].dpo)]
    catch(jobs, sweeps[0])
    tell(jobs[:1], sweeps[0])
    queue_again(jobs[1:], sweeps[1])
    for job, sweep, number in zip(jobs, sweeps, (signal.SIGUSR2, signal.SIGTERM), strict=True):
        assert_equal(job, sweep, store.root, told=[number])
