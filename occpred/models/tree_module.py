"""What all trained models share: how an optimizer step over token trees is made."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor, nn

from occpred.language_model.decoder import keep_layer_inputs_only
from occpred.language_model.early_reading import EarlyReading
from occpred.training.optimizer import Optimizer
from occpred.training.steps import OptimizerStep
from occpred.training.strategy import DataParallel, Strategy
from occpred.trees.packing import TreeBatch


class TreeModule(L.LightningModule):
    """Trains a language model on packed token trees; a subclass says what the loss is.

    One `training_step` is one optimizer step: a forward and backward for each micro-batch, then the update. Randomness
    (dropout) in step i is drawn from (seed, i, rank), so it needs no place in checkpoints.

    Attributes:
        language_model: the Hugging Face model; only parameters that require gradients are trained and checkpointed.
        strategy: how processes share the training.
        trajectory: one row of logged numbers for each finished step; part of the checkpoint.
        given_dtype: number format in which what is trained was given.
        trained_state: after training, what `Strategy.trained_state` says of the language model.
    """

    def __init__(self, language_model: nn.Module, optimizer: Optimizer, num_steps: int, seed: int) -> None:
        super().__init__()
        self.automatic_optimization = False
        # Frozen weights come from the backbone, not from the checkpoint.
        self.strict_loading = False
        # Backbones are loaded in evaluation mode, and Lightning leaves modes as they are.
        self.language_model = language_model.train()
        self.strategy: Strategy = DataParallel()
        self.given_dtype = self.trained_dtype
        self.trajectory: list[dict[str, float]] = []
        self.trained_state: dict[str, Tensor] | None = None
        self._optimizer = optimizer
        self._num_steps = num_steps
        self._seed = seed
        self._shares: dict[str, Tensor] = {}

    @property
    def max_gradient_norm(self) -> float:
        """Gradients of a larger norm are scaled down to this one."""
        return self._optimizer.max_gradient_norm

    @property
    def trained_dtype(self) -> torch.dtype:
        """Number format in which what is trained is kept at the moment."""
        return next(parameter.dtype for parameter in self.parameters() if parameter.requires_grad)

    @abstractmethod
    def loss(self, batch: TreeBatch, step: OptimizerStep) -> Tensor:
        """Return this micro-batch's share of the step's loss: shares of all micro-batches and ranks add up to it."""

    def forward(self, batch: TreeBatch, step: OptimizerStep) -> Tensor:
        """`loss`, by the name that strategies know: what a layer needs is there inside it."""
        return self.loss(batch, step)

    def log_share(self, name: str, share: Tensor) -> None:
        """Add a micro-batch's share of a number to the row of the step under way, as `train/<name>`."""
        self._shares[name] = self._shares.get(name, 0) + share.detach()

    def configure_model(self) -> None:
        """Let the strategy divide the model."""
        if self.strategy.checkpoint_activations:
            keep_layer_inputs_only(self.language_model)
        self.strategy.prepare(self)

    def configure_optimizers(self) -> Any:
        """AdamW over the trainable parameters, with its schedule."""
        trainable = [parameter for parameter in self.parameters() if parameter.requires_grad]
        optimizer, schedule = self._optimizer.build(trainable, self._num_steps)
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def training_step(self, step: OptimizerStep, batch_idx: int) -> None:
        """Make one optimizer step."""
        seeds = np.random.SeedSequence([self._seed, batch_idx, self.global_rank])
        torch.manual_seed(int(seeds.generate_state(1)[0]))
        optimizer: Any = self.optimizers()
        schedule: Any = self.lr_schedulers()
        self._shares = {}
        for number, batch in enumerate(step.batches, start=1):
            is_last = number == len(step.batches)
            with self.strategy.micro_batch(self, is_last=is_last) as module:
                loss = module(batch, step)
                self.log_share("loss", loss)
                if is_last:
                    sums = self._summed_shares()
                # All strategies average gradients over ranks; the shares are meant to be summed.
                self.manual_backward(loss * self.trainer.world_size)
        self.strategy.clip_gradients(self, self.max_gradient_norm)
        learning_rate = schedule.get_last_lr()[0]
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        measures = dict(zip(self._shares, sums.numbers(), strict=True))
        row = {"train/loss": measures.pop("loss"), "train/learning_rate": learning_rate}
        self._record(row, {f"train/{name}": value for name, value in measures.items()})

    def _summed_shares(self) -> EarlyReading:
        # One exchange between the ranks, however many numbers there are.
        sums = self.trainer.strategy.reduce(torch.stack(list(self._shares.values())), reduce_op="sum")
        return EarlyReading(sums)

    def _record(self, row: dict[str, float], details: dict[str, float] | None = None) -> None:
        """Put both into the trajectory and the log; the progress bar has no room for `details`."""
        details = details or {}
        self.trajectory.append({"step": float(self.global_step), **row, **details})
        # As numbers Lightning would put them on the device, and wait for all its work to read them there.
        self.log_dict({name: torch.tensor(value) for name, value in row.items()}, prog_bar=True, batch_size=1)
        self.log_dict({name: torch.tensor(value) for name, value in details.items()}, batch_size=1)

    def on_train_end(self) -> None:
        """Put together what is trained, while the processes still know of each other."""
        self.trained_state = self.strategy.trained_state(self)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what is trained and how it went; leave the frozen backbone out."""
        trained = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        state = checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: value for name, value in state.items() if name in trained}
        checkpoint["trajectory"] = self.trajectory

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the trajectory where the checkpoint left it."""
        self.trajectory = checkpoint["trajectory"]
