"""What is asked of a cluster for a work."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from occpred.chat.local import LocalChat
from occpred.cluster.slurm_jobs import SlurmJobs
from occpred.config.slurm_request import as_submitted, parameters, python, settings_for
from occpred.errors import UserError
from occpred.experiment import Experiment
from occpred.language_model.device import Accelerator
from occpred.reasons.language_model_judge import LanguageModelJudge
from occpred.reasons.language_model_teacher import LanguageModelTeacher
from occpred.settings import SettingError
from occpred.stages.phase import Phase
from occpred.stages.work import Work
from tests.stages.conftest import small_experiment_in

SHARED = [Phase.SFT, Phase.PAIRS, Phase.DPO, Phase.EVALUATE]
ALONE = [Phase.PREPARE, Phase.REASON]
WorkOf = Callable[..., Work]


@pytest.fixture
def work_of(tmp_path: Path) -> WorkOf:
    """Gives a work of a phase, with other settings of the trainer and other parts of the experiment."""

    def make(phase: Phase, parts: dict[str, Any] | None = None, **trainer: Any) -> Work:
        experiment: Experiment = small_experiment_in(tmp_path / "artifacts")
        experiment = replace(experiment, trainer=replace(experiment.trainer, **trainer), **parts or {})
        return as_submitted(Work(phase, experiment, config="", stages=("train/0123456789abcdef",), axes=()))

    return make


def asked(work: Work, **settings: Any) -> dict[str, Any]:
    return parameters(work, settings_for(work, SlurmJobs(**settings)), code=None)


@pytest.mark.parametrize("phase", SHARED)
def test_tasks_are_as_many_as_processes(work_of: WorkOf, phase: Phase) -> None:
    found = asked(work_of(phase, accelerator=Accelerator.auto, devices=4, num_nodes=2), gpus_per_node=4)
    assert (found["nodes"], found["tasks_per_node"], found["gpus_per_node"]) == (2, 4, 4)


@pytest.mark.parametrize("phase", ALONE)
def test_what_is_not_shared_is_done_by_one_task_that_holds_no_gpu(work_of: WorkOf, phase: Phase) -> None:
    work = work_of(phase, accelerator=Accelerator.gpu, devices=4, num_nodes=2)
    assert work.experiment.trainer.num_processes == 1
    found = asked(work, gpus_per_node=4, gres="gpu:4", mem_per_gpu="40G", mem_gb=9)
    assert (found["nodes"], found["tasks_per_node"], found["mem_gb"]) == (1, 1, 9)
    assert not [name for name in found if "gpu" in name or "gres" in name]


def test_what_computes_on_the_cpu_holds_no_gpu(work_of: WorkOf) -> None:
    found = asked(work_of(Phase.SFT, accelerator=Accelerator.cpu, devices=2), gpus_per_node=1)
    assert "gpus_per_node" not in found
    assert found["tasks_per_node"] == 2


@pytest.mark.parametrize("accelerator", [Accelerator.auto, Accelerator.cpu])
@pytest.mark.parametrize("role", ["teacher", "judge"])
def test_a_local_chat_model_has_a_gpu_to_reason_on(work_of: WorkOf, role: str, accelerator: Accelerator) -> None:
    chat = LocalChat(accelerator=accelerator, temperature=1.0)
    kind = LanguageModelTeacher if role == "teacher" else LanguageModelJudge
    found = asked(
        work_of(Phase.REASON, {role: kind(chat=chat)}, accelerator=Accelerator.auto, devices=4), gpus_per_node=4
    )
    assert found["tasks_per_node"] == 1
    assert found.get("gpus_per_node") == (1 if accelerator is Accelerator.auto else None)


def test_work_without_a_gpu_may_be_asked_for_elsewhere(work_of: WorkOf) -> None:
    settings = {"partition": "gpus", "without_gpu": {"partition": "cpus", "timeout_min": 30}}
    assert asked(work_of(Phase.PREPARE), **settings)["slurm_partition"] == "cpus"
    assert asked(work_of(Phase.PREPARE), **settings)["timeout_min"] == 30
    assert asked(work_of(Phase.SFT, accelerator=Accelerator.auto), **settings)["slurm_partition"] == "gpus"


def test_fewer_gpus_than_processes_are_refused(work_of: WorkOf) -> None:
    with pytest.raises(
        UserError, match=r"^hydra.launcher.gpus_per_node=1: must be at least trainer.devices=2, .*_node$"
    ):
        asked(work_of(Phase.SFT, accelerator=Accelerator.auto, devices=2), gpus_per_node=1)


@pytest.mark.parametrize(
    ("settings", "replaced"),
    [
        ({"gres": "gpu:a100:4"}, "gpus_per_node"),
        ({"mem_per_gpu": "40G"}, "mem_gb"),
        ({"mem_per_cpu": "4G"}, "mem_gb"),
    ],
)
def test_a_setting_takes_the_place_of_another(work_of: WorkOf, settings: dict[str, str], replaced: str) -> None:
    found = asked(work_of(Phase.SFT, accelerator=Accelerator.auto), gpus_per_node=1, mem_gb=0, **settings)
    assert {"gpus_per_node", "mem_gb"} - found.keys() == {replaced}
    assert [found[f"slurm_{name}"] for name in settings] == [*settings.values()]


def test_gpus_that_are_asked_for_by_kind_are_not_counted(work_of: WorkOf) -> None:
    found = asked(work_of(Phase.SFT, accelerator=Accelerator.auto, devices=4), gpus_per_node=1, gres="gpu:a100:4")
    assert (found["tasks_per_node"], found["slurm_gres"]) == (4, "gpu:a100:4")


def test_an_option_of_sbatch_is_left_out(work_of: WorkOf) -> None:
    found = asked(work_of(Phase.SFT), additional_parameters={"requeue": False, "nice": 0, "exclusive": True})
    assert found["slurm_additional_parameters"] == {"nice": 0, "exclusive": True}


def test_jobs_are_queued_again_and_end_together_and_have_their_cores(work_of: WorkOf, tmp_path: Path) -> None:
    settings = SlurmJobs(
        cpus_per_task=8,
        srun_args=["--mpi=none"],
        setup=["module load cuda"],
        additional_parameters={"exclusive": True},
    )
    found = parameters(work_of(Phase.SFT), settings, code=tmp_path / "my code")
    assert found["slurm_additional_parameters"] == {"requeue": True, "exclusive": True}
    assert found["slurm_srun_args"] == ["--kill-on-bad-exit=0", "--wait=20", "--cpus-per-task=8", "--mpi=none"]
    assert found["slurm_setup"] == [
        "module load cuda",
        "export OMP_NUM_THREADS=${OMP_NUM_THREADS:-8}",
        f"export PYTHONPATH='{tmp_path}/my code'${{PYTHONPATH:+:$PYTHONPATH}}",
    ]
    assert found["slurm_signal_delay_s"] == 120
    assert not {"poll_seconds", "dirty_tree", "slurm_poll_seconds", "slurm_dirty_tree", "slurm__target_"} & found.keys()


def test_jobs_run_this_interpreter_and_import_nothing_from_where_they_stand() -> None:
    assert python() == f"{sys.executable} -P"


def test_the_store_is_found_from_any_folder(work_of: WorkOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    work = work_of(Phase.PREPARE, {"store": "mine"})
    assert work.experiment.store == f"{tmp_path}/mine"


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(SettingError, match=r"^SlurmJobs.without_gpu.partitions: no such key; it may have .*partition"):
        SlurmJobs(without_gpu={"partitions": "cpus"})
    with pytest.raises(SettingError, match=r"^SlurmJobs.timeout_min=0: must be at least 1$"):
        SlurmJobs(timeout_min=0)
