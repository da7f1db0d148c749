"""The launcher's choices, and what it refuses before anything is submitted."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

from occpred.artifacts import provenance
from occpred.cluster.slurm_jobs import SlurmJobs
from occpred.config import CONF, register_schemas
from occpred.config.job_config import config_of_job
from occpred.config.launchers import register_launchers
from occpred.config.sweep_task import SweepTask
from occpred.errors import UserError

CHOICES = sorted(file.stem for file in (CONF / "hydra" / "launcher").glob("slurm*.yaml"))


def composed(*overrides: str) -> DictConfig:
    register_schemas()
    register_launchers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", ["hydra.sweep.dir=runs/here", *overrides], return_hydra_config=True)


def set_up(config: DictConfig, task: Any = None) -> None:
    context = HydraContext(config_loader=None, callbacks=Callbacks())  # type: ignore[arg-type]
    Plugins.instance().instantiate_launcher(context, task or SweepTask({}), config)


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_is_complete(choice: str) -> None:
    config = composed(f"hydra/launcher={choice}", "sweep.name=night", "trainer.devices=4")
    launcher = OmegaConf.to_container(config.hydra.launcher, resolve=True)
    assert launcher["name"] == "occpred-night"
    assert launcher["submitit_folder"] == "runs/here/.submitit/%j"
    assert launcher["gpus_per_node"] == (1 if choice == "slurm" else 4)
    assert launcher["additional_parameters"] == ({"exclusive": True} if choice == "slurm_nodes" else {})
    assert isinstance(OmegaConf.to_object(config.hydra.launcher), SlurmJobs)


@pytest.mark.parametrize(
    ("setting", "given"),
    [
        ("constraint", "a100&nvlink"),
        ("exclude", "node[3-5]"),
        ("without_gpu", {"partition": "cpu"}),
        ("without_gpu", {"partition": "cpu", "timeout_min": 60}),
        ("additional_parameters", {"exclusive": True}),
    ],
)
def test_values_are_given_as_their_explanations_say(setting: str, given: Any) -> None:
    text = Path(str(inspect.getsourcefile(SlurmJobs))).read_text(encoding="utf-8")
    overrides = [shlex.split(words)[0] for words in re.findall(r"`([^`]*hydra\.launcher\.[^`]*)`", text)]
    launchers = [composed("hydra/launcher=slurm", override).hydra.launcher for override in overrides]
    assert given in [launcher[setting] for launcher in launchers]


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("hydra.launcher.timeout_min=0", r"^hydra.launcher.timeout_min=0: must be at least 1$"),
        ("hydra.launcher.poll_seconds=0", r"^hydra.launcher.poll_seconds=0.0: must be above 0$"),
        (
            "+hydra.launcher.without_gpu.partion=cpu",
            r"^hydra.launcher.without_gpu.partion: no such key; it may have .*qos",
        ),
    ],
)
def test_settings_that_mean_nothing_are_refused_by_their_keys(override: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        set_up(composed("hydra/launcher=slurm", override))


def test_only_sweeps_of_works_are_launched() -> None:
    with pytest.raises(UserError, match=r"^hydra/launcher=slurm: give hydra/sweeper=staged with it$"):
        set_up(composed("hydra/launcher=slurm"), task=print)


def test_a_machine_without_slurm_is_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        UserError, match=r"^scontrol: no such command here; hydra/launcher=slurm is for a SLURM cluster$"
    ):
        set_up(composed("hydra/launcher=slurm"))


def test_code_is_refused_that_is_not_committed_or_that_git_does_not_know(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "checkout" / "package"
    (package / "artifacts").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setattr(provenance, "__file__", str(package / "artifacts" / "provenance.py"))
    config = composed("hydra/launcher=slurm", "hydra.launcher.dirty_tree=REFUSE")
    with pytest.raises(UserError, match=r"^hydra.launcher.dirty_tree=REFUSE: git cannot say .* \(fatal: .*\); mend "):
        set_up(config)
    author = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=package, check=True)
    (package / "new.py").touch()
    with pytest.raises(UserError, match=r"^hydra.launcher.dirty_tree=REFUSE: the package has changes .*; commit them"):
        set_up(config)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"^hydra.launcher.dirty_tree=REFUSE: git cannot say .*'git'\); mend that, or "):
        set_up(config)


def test_a_jobs_config_tells_it_from_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    master = composed("sweep.name=night")
    job = config_of_job(master, ["seed=1"], 7)
    assert (job.hydra.job.num, job.hydra.job.id, list(job.hydra.overrides.task)) == (7, "7", ["seed=1"])
    assert job.hydra.sweep.dir == f"{tmp_path}/runs/here"
    assert job.hydra.sweep.subdir == "7"
    assert master.hydra.sweep.dir == "runs/here"
