"""How, and on what, training runs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occpred.errors import UserError
from occpred.language_model.device import Accelerator
from occpred.settings import Settings, setting
from occpred.training.strategy import DataParallel, Strategy

if TYPE_CHECKING:
    import lightning as L
    import torch
    from lightning.pytorch.loggers import Logger

    from occpred.training.data import TreeDataModule

_CHECKPOINT = "resume.ckpt"


@dataclass
class Trainer(Settings):
    """Settings of Lightning's trainer, and of how trees are laid out in memory."""

    accelerator: Accelerator = setting(Accelerator.auto, incidental=True)
    """`cpu`, `gpu`, or `auto` for a GPU where there is one."""
    devices: int = setting(1, minimum=1, incidental=True)
    """Processes on each node, each with a device of its own, that share each optimizer step and all other work."""
    num_nodes: int = setting(1, minimum=1, incidental=True)
    """Machines that do so together."""
    strategy: Strategy = setting(DataParallel(), incidental=True)
    """How they share it: what each of them holds of the model."""
    row_length: int = setting(2048, minimum=8)
    """Tokens of a packed row. An example longer than that is set aside and counted."""
    rows_per_forward: int = setting(1, minimum=1, incidental=True)
    """Rows of a micro-batch: more need more memory; the result does not depend on it, but for rounding."""
    autocast_bfloat16: bool = False
    """Compute in bfloat16 where it is safe, whatever the precision of the backbone."""
    validate_every_steps: int = setting(100, minimum=1)
    """Optimizer steps between two validations; a shorter training has one at its end."""
    validation_examples: int = setting(64, minimum=0)
    """How many validation examples are answered each time; 0 leaves validation out."""
    checkpoint_every_steps: int = setting(50, minimum=1, incidental=True)
    """Optimizer steps between two checkpoints; what a crash can cost."""
    num_workers: int = setting(2, minimum=0, incidental=True)
    """Processes that pack rows ahead of time for a GPU. For a CPU there are none: they would take its cores."""

    @property
    def num_processes(self) -> int:
        """Processes on all nodes."""
        return self.devices * self.num_nodes

    @property
    def packing_processes(self) -> int:
        """Processes that pack rows ahead of time, on the device that there is."""
        return self.num_workers if self.device().type == "cuda" else 0

    def device(self) -> torch.device:
        """Where a model computes: the first device of the accelerator.

        Raises:
            UserError: there is none.
        """
        return self.accelerator.device()

    def autocast(self) -> AbstractContextManager[Any]:
        """The number format that training computes in, for what is computed outside it and compared with it."""
        import torch

        return torch.autocast(self.device().type, torch.bfloat16, enabled=self.autocast_bfloat16)

    def fit(
        self,
        module: L.LightningModule,
        data: TreeDataModule[Any],
        folder: Path,
        logger: Logger | None,
    ) -> None:
        """Train to the end, from the checkpoint in `folder` where there is one, in all processes of the job.

        Args:
            module: what to train; changed in place.
            data: its steps.
            folder: keeps the checkpoint, until told to `forget` it.
            logger: receives what the module logs.

        Raises:
            UserError: there is no such device, or the checkpoint is of another strategy.
        """
        import lightning as L
        from lightning.pytorch.callbacks import TQDMProgressBar

        from occpred.distributed import ranks
        from occpred.silence import lightning_silenced
        from occpred.training.data_wait import DataWait
        from occpred.training.environment import JoinedProcesses
        from occpred.training.resume import ResumeCheckpoint

        checkpoint = folder / _CHECKPOINT
        with lightning_silenced():
            trainer = L.Trainer(
                max_epochs=1,
                accelerator=self.device().type,
                devices=self.devices,
                num_nodes=self.num_nodes,
                strategy=self.strategy.lightning(),
                plugins=[JoinedProcesses(ranks.place())],
                precision="bf16-mixed" if self.autocast_bfloat16 else "32-true",
                # Counted within the one epoch: Lightning's count over epochs is one too high after a resumption.
                val_check_interval=min(self.validate_every_steps, data.num_steps),
                num_sanity_val_steps=0,
                limit_val_batches=1 if self.validation_examples else 0,
                callbacks=[
                    ResumeCheckpoint(checkpoint, self.checkpoint_every_steps),
                    # After what saves when a step begins, so that it counts no checkpoints.
                    DataWait(),
                    TQDMProgressBar(refresh_rate=1),
                ],
                logger=logger or False,
                log_every_n_steps=1,
                enable_checkpointing=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
                default_root_dir=folder,
            )
            trainer.fit(module, data, ckpt_path=self._found(checkpoint), weights_only=True)

    def _found(self, checkpoint: Path) -> Path | None:
        from occpred.distributed.ranks import by_first
        from occpred.training.resume import ResumePoint

        found = by_first(ResumePoint(checkpoint).find)
        if found and not self.strategy.recognises(found):
            raise UserError(
                f"{found}: was left by a training under another strategy than this one; go on with the trainer=... "
                "that it began with, or remove it to begin anew"
            )
        return found

    def forget(self, folder: Path) -> None:
        """Remove the checkpoint that `fit` left in `folder`, once what was trained is kept elsewhere."""
        from occpred.training.resume import ResumePoint

        ResumePoint(folder / _CHECKPOINT).remove()
