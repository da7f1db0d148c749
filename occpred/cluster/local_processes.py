"""hydra/launcher=local: how this machine is shared out among jobs that run side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from occpred.cluster.machine import Machine
from occpred.distributed.threads import threads_per_process
from occpred.errors import UserError
from occpred.language_model.device import Accelerator
from occpred.settings import Settings, setting

_CORES_PER_PROCESS = 2
"""Of what runs on the CPU. Not one, as memory has to do for all of them."""


@dataclass
class LocalProcesses(Settings):
    """Jobs in processes of their own, on this machine, each on GPUs of its own."""

    _target_: str = "hydra_plugins.occpred.LocalLauncher"
    slots: Optional[int] = setting(None, minimum=1)  # noqa: UP045 (OmegaConf knows no `int | None`)
    """Jobs that run at a time; `null` for as many as there are GPUs for, or, without GPUs, as have two cores for each
    process."""

    def shares(self, machine: Machine, devices: int, accelerator: Accelerator) -> list[dict[str, str]]:
        """For each of the jobs that run at a time, what to set in its environment that it keeps to its share.

        Args:
            machine: what there is to share out.
            devices: GPUs of each job; without GPUs, processes of each.
            accelerator: what they compute on.

        Raises:
            UserError: there are not as many GPUs.
        """
        if accelerator is Accelerator.cpu or (accelerator is Accelerator.auto and not machine.gpus):
            default = max(1, machine.cores // (_CORES_PER_PROCESS * devices))
            shares: list[dict[str, str]] = [{} for _ in range(self.slots or default)]
        else:
            shares = [{"CUDA_VISIBLE_DEVICES": ",".join(group)} for group in self._groups(machine.gpus, devices)]
        threads = threads_per_process(len(shares) * devices, machine.cores)
        return [share | threads for share in shares]

    def _groups(self, gpus: Sequence[str], devices: int) -> list[Sequence[str]]:
        there_are = f"there are {len(gpus)} GPUs" if len(gpus) != 1 else "there is 1 GPU"
        if len(gpus) < devices:
            raise UserError(
                f"trainer.devices={devices}: {there_are} on this machine (in CUDA_VISIBLE_DEVICES, where it is "
                "set); use fewer, or trainer.accelerator=cpu"
            )
        groups = [gpus[first : first + devices] for first in range(0, len(gpus) - devices + 1, devices)]
        if self.slots and self.slots > len(groups):
            raise UserError(
                f"hydra.launcher.slots={self.slots}: must be at most {len(groups)}, as {there_are} and each job uses "
                f"{devices}"
            )
        return groups[: self.slots]
