"""How the processes of a job share the training of one model.

Each process computes its own rows of an optimizer step (see `occpred.training.steps`) and averages gradients with the
others; what differs is how much of the model every process holds. Nothing else does: weights that are trained are kept
and updated in float32, and computed with in the number format that they were given in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occpred.distributed import ranks
from occpred.settings import Settings

if TYPE_CHECKING:
    import lightning as L
    from torch import Tensor, nn


@dataclass
class Strategy(Settings):
    """What Lightning is told, and what a module does differently, when several processes train it."""

    checkpoint_activations: bool = False
    """Keep only what goes into each layer for the backward pass, and compute the rest again then: slower by about a
    third, with a fraction of the memory that long rows need."""

    def lightning(self) -> Any:
        """What Lightning's trainer takes as its strategy, for the processes that have joined this job.

        Raises:
            UserError: this machine lacks what the strategy needs.
        """
        raise NotImplementedError

    def recognises(self, checkpoint: Path) -> bool:
        """Whether `checkpoint`, which exists, was saved in the middle of a training under this strategy."""
        raise NotImplementedError

    def prepare(self, module: L.LightningModule) -> None:
        """Change `module` in place before it is moved to its device and gets an optimizer; the second time, nothing."""

    def micro_batch(self, module: L.LightningModule, *, is_last: bool) -> AbstractContextManager[nn.Module]:
        """Surround forward and backward pass of one micro-batch.

        Args:
            module: what is trained.
            is_last: whether it is the last one of an optimizer step.

        Returns:
            A context of what to call in place of `module`.
        """
        return nullcontext(module)

    def clip_gradients(self, module: L.LightningModule, largest_norm: float) -> None:
        """Scale a gradient of a larger norm, over all trained parameters of all processes, down to this one."""
        # Lightning's own clipping refuses fused optimizers under autocast, for a scaler that bfloat16 does without.
        from torch.nn.utils import clip_grad_norm_

        clip_grad_norm_(module.parameters(), largest_norm)

    def trained_state(self, module: L.LightningModule) -> dict[str, Tensor] | None:
        """The trained parameters of the language model, whole, on the CPU of the first process; `{}` on the others.

        They are in the number format that they were given in. All processes call this, after the last step. `None`
        where the model itself is whole, on every process.
        """
        raise NotImplementedError


@dataclass
class DataParallel(Strategy):
    """Every process holds the whole model; gradients are averaged with the last micro-batch of a step (DDP).

    Fits adapters on a large backbone, and full fine-tuning of a small one. A process that is alone trains as it is.
    """

    def lightning(self) -> Any:
        """Lightning's DDP, or its choice for a single device."""
        from lightning.pytorch.strategies import DDPStrategy

        if ranks.world_size() == 1:
            return "auto"
        # Rows without a tree have gradients too, of zero, so that no parameter is ever unused; buffers are constants.
        return DDPStrategy(gradient_as_bucket_view=True, broadcast_buffers=False)

    def recognises(self, checkpoint: Path) -> bool:
        """Whether it is a file: one process's, good for any number of them."""
        return checkpoint.is_file()

    def prepare(self, module: L.LightningModule) -> None:
        """Keep what is trained in float32."""
        from occpred.training.float32_weights import keep_in_float32

        keep_in_float32(module, module.trainer.strategy.root_device)

    @contextmanager
    def micro_batch(self, module: L.LightningModule, *, is_last: bool) -> Iterator[nn.Module]:
        """Keep gradients to itself until the last micro-batch, when they are summed up."""
        from torch.nn.parallel import DistributedDataParallel

        wrapped = module.trainer.model
        if isinstance(wrapped, DistributedDataParallel) and not is_last:
            with wrapped.no_sync():
                yield module
        else:
            yield module

    def trained_state(self, module: L.LightningModule) -> dict[str, Tensor] | None:
        """Nothing but the model, which is whole."""
        from occpred.training.float32_weights import give_back

        give_back(module)
        return None
