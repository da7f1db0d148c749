"""What is asked of SLURM for a work: as many tasks as share it, and GPUs only where it computes on them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from occpred.chat.local import LocalChat
from occpred.cluster.slurm_jobs import SlurmJobs
from occpred.errors import UserError
from occpred.language_model.device import Accelerator
from occpred.stages.phase import Phase
from occpred.stages.work import Work

_NO_GPU: dict[str, Any] = dict.fromkeys(("gpus_per_node", "mem_per_gpu", "gres"))
_INSTEAD_OF = {"gres": "gpus_per_node", "mem_per_cpu": "mem_gb", "mem_per_gpu": "mem_gb"}
"""Settings in whose place others are given: sbatch refuses to be asked both ways."""
_OF_THE_LAUNCHER = {"_target_", "submitit_folder", "max_num_timeout", "without_gpu", "dirty_tree", "poll_seconds"}
_OF_ALL_EXECUTORS = {"name", "timeout_min", "mem_gb", "cpus_per_task", "gpus_per_node"}
"""What submitit calls the same whatever it submits to. Its names of other settings begin with `slurm_`."""
_SECONDS_TO_FOLLOW = 20
"""What the other tasks of a job have to end by themselves when one has ended."""


def as_submitted(work: Work) -> Work:
    """The work as its job is to do it: by one process, where it has nothing to share, and found from any folder."""
    store = str(Path(work.experiment.store).absolute())
    return replace(work, experiment=replace(work.experiment, store=store, trainer=work.trainer))


def settings_for(work: Work, settings: SlurmJobs) -> SlurmJobs:
    """What to ask for a work, of all that may be asked.

    Raises:
        UserError: GPUs are asked for, but fewer than it is to compute on.
    """
    if not _computes_on_gpu(work):
        return replace(settings, **_NO_GPU | settings.without_gpu)
    if settings.gpus_per_node is None or settings.gres is not None:
        return settings
    if not work.phase.is_shared:
        return replace(settings, gpus_per_node=min(settings.gpus_per_node, 1))
    devices = work.experiment.trainer.devices
    if settings.gpus_per_node < devices:
        raise UserError(
            f"hydra.launcher.gpus_per_node={settings.gpus_per_node}: must be at least trainer.devices={devices}, "
            "as it is with hydra/launcher=slurm_node"
        )
    return settings


def parameters(work: Work, settings: SlurmJobs, code: Path | None) -> dict[str, Any]:
    """Submitit's parameters for a work.

    Args:
        work: it, `as_submitted`.
        settings: those for this work.
        code: the folder that the package is to be imported from, if it is not just installed.
    """
    asked = {
        name: value for name, value in asdict(settings).items() if name not in _OF_THE_LAUNCHER and value is not None
    }
    for replaced in {_INSTEAD_OF[name] for name in asked.keys() & _INSTEAD_OF.keys()}:
        asked.pop(replaced, None)
    # A task that dies takes the others with it, instead of letting them wait for it; not at once, as one of them may
    # be about to say why it failed.
    srun = ["--kill-on-bad-exit=0", f"--wait={_SECONDS_TO_FOLLOW}"]
    setup = list(settings.setup)
    if settings.cpus_per_task:
        srun.append(f"--cpus-per-task={settings.cpus_per_task}")  # which it no longer takes over from sbatch
        setup.append(f"export OMP_NUM_THREADS=${{OMP_NUM_THREADS:-{settings.cpus_per_task}}}")
    if code is not None:
        setup.append(f"export PYTHONPATH={shlex.quote(str(code))}${{PYTHONPATH:+:$PYTHONPATH}}")
    asked["setup"] = setup
    asked["srun_args"] = [*srun, *settings.srun_args]
    options = {"requeue": True, **settings.additional_parameters}
    asked["additional_parameters"] = {name: value for name, value in options.items() if value is not False}
    return {
        "nodes": work.experiment.trainer.num_nodes,
        "tasks_per_node": work.experiment.trainer.devices,
        **{name if name in _OF_ALL_EXECUTORS else f"slurm_{name}": value for name, value in asked.items()},
    }


def python() -> str:
    """The interpreter of jobs: this one, without the working directory on its path, which may be another checkout."""
    return f"{shlex.quote(sys.executable)} -P"


def _computes_on_gpu(work: Work) -> bool:
    experiment = work.experiment
    if work.phase.is_shared:
        return experiment.trainer.accelerator is not Accelerator.cpu
    chats = _local_chats([experiment.teacher, experiment.judge]) if work.phase is Phase.REASON else ()
    return any(chat.accelerator is not Accelerator.cpu for chat in chats)


def _local_chats(value: Any) -> Iterator[LocalChat]:
    if isinstance(value, LocalChat):
        yield value
    elif isinstance(value, list | Mapping):
        for entry in value.values() if isinstance(value, Mapping) else value:
            yield from _local_chats(entry)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _local_chats(getattr(value, field.name))
