"""Where this process stands among those of its job, as whoever started it says."""

from __future__ import annotations

import os
from dataclasses import dataclass

_FIRST_PORT, _NUM_PORTS = 15_000, 10_000
"""Where a job of SLURM finds a port of its own: below those that systems give away by themselves."""


@dataclass(frozen=True)
class Place:
    """One of `world_size` processes that work on one job together.

    Attributes:
        rank: 0 to `world_size` - 1; the first one writes files and logs.
        world_size: processes of the job, on all nodes.
        local_rank: its number on its own node, which is also that of its device.
        node_rank: the number of its node.
        address: host name or address at which the processes find each other.
        port: the port there.
        hosts_store: whether this process opens that port; where none does, who started them has opened it.
    """

    rank: int
    world_size: int
    local_rank: int
    node_rank: int
    address: str
    port: int
    hosts_store: bool

    @classmethod
    def alone(cls) -> Place:
        """The place of a process that works by itself."""
        return cls(rank=0, world_size=1, local_rank=0, node_rank=0, address="localhost", port=0, hosts_store=True)

    @classmethod
    def given(cls) -> Place | None:
        """The place that torchrun or `srun` gave this process; `None` where it was started alone."""
        return _by_torchrun() or _by_srun()


def _by_torchrun() -> Place | None:
    """Source: the environment variables that torchrun documents (torch.distributed.run)."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return None
    rank = int(os.environ["RANK"])
    return Place(
        rank=rank,
        world_size=int(os.environ["WORLD_SIZE"]),
        local_rank=int(os.environ["LOCAL_RANK"]),
        node_rank=int(os.environ["GROUP_RANK"]),
        address=os.environ["MASTER_ADDR"],
        port=int(os.environ["MASTER_PORT"]),
        hosts_store=rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True",
    )


def _by_srun() -> Place | None:
    """Source: the output environment variables of `srun`. An allocation without `srun` has no tasks yet."""
    world_size = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))
    if world_size == 1:
        return None
    rank = int(os.environ["SLURM_PROCID"])
    return Place(
        rank=rank,
        world_size=world_size,
        local_rank=int(os.environ["SLURM_LOCALID"]),
        node_rank=int(os.environ["SLURM_NODEID"]),
        address=_first_node(),
        port=_FIRST_PORT + int(os.environ["SLURM_JOB_ID"]) % _NUM_PORTS,
        hosts_store=rank == 0,
    )


def _first_node() -> str:
    """Where the first task is: what the user or the cluster says, else by SLURM's name for the node.

    That name need not be one of the network's, so it is asked for only where there are other nodes.
    """
    if os.environ["SLURM_STEP_NUM_NODES"] == "1":
        return "localhost"
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

    named = SLURMEnvironment.resolve_root_node_address(os.environ["SLURM_STEP_NODELIST"])
    return os.environ.get("MASTER_ADDR", named)
