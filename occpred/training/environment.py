"""The processes of a job as Lightning is told of them."""

from __future__ import annotations

from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment

from occpred.distributed.place import Place


class JoinedProcesses(ClusterEnvironment):
    """Processes that have found each other already: Lightning is to start none, and to requeue none.

    Left to itself, Lightning would take a job of SLURM for its own: it would handle the cluster's signals, and start as
    many processes again as there are.
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    @property
    def creates_processes_externally(self) -> bool:
        """Always."""
        return True

    @property
    def main_address(self) -> str:
        """Where the processes found each other."""
        return self._place.address

    @property
    def main_port(self) -> int:
        """The port there."""
        return self._place.port

    @staticmethod
    def detect() -> bool:
        """Never: it is given, not found."""
        return False

    def world_size(self) -> int:
        """Processes of the job."""
        return self._place.world_size

    def set_world_size(self, size: int) -> None:
        """Nothing: it is as it is."""

    def global_rank(self) -> int:
        """Which of them this is."""
        return self._place.rank

    def set_global_rank(self, rank: int) -> None:
        """Nothing: it is as it is."""

    def local_rank(self) -> int:
        """Which of those on its node."""
        return self._place.local_rank

    def node_rank(self) -> int:
        """Which node."""
        return self._place.node_rank
