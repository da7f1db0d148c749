"""hydra/launcher=slurm: what is asked of the cluster for each job of a sweep."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Optional

from occpred.settings import SettingError, Settings, setting


class DirtyTree(Enum):
    """What to do where the package's files are not those of a commit."""

    SNAPSHOT = "snapshot"
    REFUSE = "refuse"


@dataclass
class SlurmJobs(Settings):
    """Jobs of a SLURM cluster.

    How many tasks a job has follows from the experiment: `trainer.devices` on each of `trainer.num_nodes` nodes, or one
    where the work is not shared. The names of settings are those of hydra-submitit-launcher.
    """

    _target_: str = "hydra_plugins.occpred.SlurmLauncher"
    submitit_folder: str = "${hydra.sweep.dir}/.submitit/%j"
    """Where jobs keep their logs and say how they ended, on a file system that all nodes share."""
    name: str = "occpred"
    """What queues call the jobs."""
    partition: Optional[str] = None  # noqa: UP045 (OmegaConf knows no `str | None`)
    """Where they wait; `null` for the cluster's default, here and below."""
    account: Optional[str] = None  # noqa: UP045
    """Who pays."""
    qos: Optional[str] = None  # noqa: UP045
    """Quality of service."""
    constraint: Optional[str] = None  # noqa: UP045
    """Features that nodes must have, such as `'hydra.launcher.constraint="a100&nvlink"'`, quoted twice for `&`."""
    exclude: Optional[str] = None  # noqa: UP045
    """Nodes to keep away from, such as `'hydra.launcher.exclude="node[3-5]"'`, quoted twice for the brackets."""
    comment: Optional[str] = None  # noqa: UP045
    """A note for accounting."""
    timeout_min: int = setting(240, minimum=1)
    """Minutes after which a job saves itself, is queued again and goes on."""
    signal_delay_s: int = setting(120, minimum=1)
    """Seconds before that at which it is told, for saving. The cluster may tell it a minute earlier."""
    max_num_timeout: int = setting(1000, minimum=0)
    """How often it may be queued again so."""
    mem_gb: Optional[int] = setting(None, minimum=0)  # noqa: UP045
    """Main memory on each node; 0 for all there is."""
    mem_per_cpu: Optional[str] = None  # noqa: UP045
    """Main memory for each core, such as `4G`, in place of `mem_gb`."""
    mem_per_gpu: Optional[str] = None  # noqa: UP045
    """Main memory for each GPU, in place of `mem_gb`, for work that computes on them."""
    cpus_per_task: Optional[int] = setting(None, minimum=1)  # noqa: UP045
    """Cores of each task."""
    gpus_per_node: Optional[int] = setting(None, minimum=0)  # noqa: UP045
    """GPUs on each node, for work that computes on them."""
    gres: Optional[str] = None  # noqa: UP045
    """GPUs on each node by kind, such as `gpu:a100:4`, in place of `gpus_per_node`, for work that computes on them."""
    without_gpu: dict[str, Any] = setting({})
    """Settings that are others for work that computes on no GPU: `+hydra.launcher.without_gpu.partition=cpu`, or
    `'+hydra.launcher.without_gpu={partition: cpu, timeout_min: 60}'`."""
    array_parallelism: int = setting(256, minimum=1)
    """How many jobs of one array run at a time."""
    setup: list[str] = setting([])
    """Lines of shell that make the environment, such as `module load cuda`."""
    additional_parameters: dict[str, Any] = setting({})
    """Further options of sbatch: `+hydra.launcher.additional_parameters.exclusive=true`; `false` leaves one out."""
    srun_args: list[str] = setting([])
    """Further options of srun."""
    dirty_tree: DirtyTree = DirtyTree.SNAPSHOT
    """Jobs run a copy of the code as it was when they were submitted. `REFUSE` submits only what is committed."""
    poll_seconds: float = setting(10.0, above=0)
    """Seconds between two looks at the queue."""

    def __post_init__(self) -> None:
        """Refuse names that mean nothing."""
        super().__post_init__()
        names = {field.name for field in fields(self)}
        for name in self.without_gpu.keys() - names:
            raise SettingError(f"SlurmJobs.without_gpu.{name}: no such key; it may have {', '.join(sorted(names))}")
