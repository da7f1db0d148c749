"""hydra/launcher=local, with jobs in real processes."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobStatus
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig

from occpred.cluster.machine import Machine
from occpred.config.local_launcher import LocalLauncher
from occpred.config.sweep_task import JobError, SweepTask
from occpred.errors import UserError
from occpred.experiment import Experiment
from occpred.language_model.device import Accelerator
from occpred.stages.phase import Phase
from occpred.stages.work import Work
from tests.stages.conftest import small_experiment_in

Launch = Callable[..., LocalLauncher]
CONFIG = """
seed: 0
trainer:
  devices: 1
  accelerator: cpu
hydra:
  sweep:
    dir: sweep/${now:%f}
    subdir: job ${hydra.job.num}
  job:
    chdir: false
"""


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launch]:
    """Sets up a launcher for a task, with a config of its own, overrides of it, and the settings given."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG)

    def launcher(task: Callable[[DictConfig], Any], *overrides: str, **settings: Any) -> LocalLauncher:
        loader = GlobalHydra.instance().config_loader()
        config = loader.load_configuration("config", list(overrides), RunMode.MULTIRUN)
        config.trainer.accelerator = Accelerator[config.trainer.accelerator]  # as a schema does
        context = HydraContext(config_loader=loader, callbacks=Callbacks())
        launcher = LocalLauncher(**{"slots": 2} | settings)
        launcher.setup(hydra_context=context, task_function=task, config=config)
        return launcher

    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        yield launcher


def test_what_came_of_jobs_is_told_in_their_order(
    launcher: Launch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def task(config: DictConfig) -> int:
        import os
        import signal

        from hydra.core.hydra_config import HydraConfig

        number = HydraConfig.get().job.num
        print(f"job {number} of a sweep with seed {config.seed}")
        if number == 3:
            raise ValueError("a bug\ntold at length")
        if number == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return int(10 * number)

    with caplog.at_level(logging.INFO):
        results = launcher(task).launch([["seed=1"], ["seed=2"], ["seed=3"]], initial_job_idx=2)
    (folder,) = (tmp_path / "sweep").iterdir()
    logs = [folder / f"job {number}" / "job.log" for number in (2, 3, 4)]
    killed = f"ended by SIGKILL, as where memory runs out; see {logs[2]}"

    assert [result.overrides for result in results] == [["seed=1"], ["seed=2"], ["seed=3"]]
    assert [result.status for result in results] == [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.FAILED]
    done, *errors = [result._return_value for result in results]
    assert done == 20
    assert [(type(error), str(error)) for error in errors] == [(JobError, "ValueError: a bug"), (JobError, killed)]
    assert [log.read_text() for log in logs] == [f"job {number} of a sweep with seed 0\n" for number in (2, 3, 4)]
    assert (folder / "job 3" / ".hydra" / "overrides.yaml").read_text() == "- seed=2\n"
    told = {record.getMessage() for record in caplog.records}
    assert told >= {"[2] seed=1: done", "[3] seed=2: failed: ValueError: a bug", f"[4] seed=3: failed: {killed}"}


@pytest.mark.parametrize(
    ("overrides", "slots", "message"),
    [
        ([], 0, "hydra.launcher.slots=0: must be at least 1"),
        (
            ["trainer.accelerator=gpu", "trainer.devices=1000"],
            2,
            "trainer.devices=1000: there (are|is) [0-9]+ GPUs? on this machine",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    overrides: list[str], slots: int, message: str, launcher: Launch
) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        launcher(print, *overrides, slots=slots)


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    """Composed before `launcher` takes Hydra for itself."""
    return small_experiment_in(tmp_path)


def test_each_job_has_as_many_devices_as_the_most_demanding_one(
    experiment: Experiment, launcher: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "here", lambda: Machine(gpus=("4", "5", "6", "7"), cores=8))
    asked = ((Accelerator.cpu, 1), (Accelerator.auto, 1), (Accelerator.auto, 2))
    trainers = [replace(experiment.trainer, accelerator=kind, devices=devices) for kind, devices in asked]
    works = [Work(Phase.SFT, replace(experiment, trainer=each), "", ("train/0",), ()) for each in trainers]
    for num_works, gpus in ((1, [None, None]), (2, ["4", "5"]), (3, ["4,5", "6,7"])):
        shares = launcher(SweepTask(dict(enumerate(works[:num_works]))))._shares
        assert [share.get("CUDA_VISIBLE_DEVICES") for share in shares] == gpus
    four = replace(experiment, trainer=replace(experiment.trainer, accelerator=Accelerator.auto, devices=4))
    reason = Work(Phase.REASON, four, "", ("reason/0",), ())
    shares = launcher(SweepTask({0: reason}))._shares
    assert [share.get("CUDA_VISIBLE_DEVICES") for share in shares] == ["4", "5"], "it has one process"


@pytest.mark.slow
def test_a_sweep_is_made_by_jobs_side_by_side(tmp_path: Path) -> None:
    architecture = (
        "{model_type: qwen3, vocab_size: 4096, hidden_size: 32, intermediate_size: 48, num_hidden_layers: 1, "
        "num_attention_heads: 2, num_key_value_heads: 1, head_dim: 16}"
    )
    overrides = [
        "experiments=zero_shot",
        "careers.num_people=40",
        "backbone.random_init=true",
        f"+backbone.architecture={architecture}",
        "ranking.free_text.enabled=false",
        "evaluation.bootstrap_samples=100,101",
        "baselines.career.max_epochs=1",
        "baselines.gru4rec.max_epochs=1",
        "hydra/launcher=local",
        "hydra.launcher.slots=2",
    ]
    ended = subprocess.run(
        [sys.executable, "-m", "occpred", "-m", *overrides], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert len(list(tmp_path.glob("artifacts/sweep/*/report.html"))) == 1
    done = re.findall(r"\[(\d+)\] evaluate evaluation\.bootstrap_samples=\d+: done", ended.stdout)
    assert len(done) == 2
    for number in done:
        (log,) = tmp_path.glob(f"runs/sweep/*/*/{number}/job.log")
        assert "made  evaluate" in log.read_text()
