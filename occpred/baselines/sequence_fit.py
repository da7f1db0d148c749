"""Trains a network to foresee each occupation of a career from those before it.

Shapes: B careers, T positions (the longest career's), C occupations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import lightning as L
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import EarlyStopping
from torch import Tensor, nn
from torch.nn.functional import nll_loss
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, TensorDataset

from occpred.silence import lightning_silenced

if TYPE_CHECKING:
    from occpred.baselines.sequence import SequenceBaseline

_NO_TARGET = -100
_HELD_OUT_LOSS = "held_out_loss"


class SequenceModule(L.LightningModule):
    """Trains `network` on batches of (inputs, targets), each (B, T), and remembers its best weights.

    Attributes:
        best_loss: mean negative log-likelihood of the held-out targets, in nats, at its lowest.
        best_weights: the state of the network at that time; empty before the first validation.
    """

    def __init__(self, network: nn.Module, learning_rate: float, weight_decay: float) -> None:
        super().__init__()
        self.network = network
        self.best_loss = float("inf")
        self.best_weights: dict[str, Tensor] = {}
        self._learning_rate = learning_rate
        self._weight_decay = weight_decay

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW over all weights."""
        return torch.optim.AdamW(self.parameters(), lr=self._learning_rate, weight_decay=self._weight_decay)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Mean negative log-likelihood of the targets, in nats."""
        return self._loss(batch)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the same of people held out, so that batches count by their targets."""
        num_targets = int((batch[1] != _NO_TARGET).sum())
        self.log(_HELD_OUT_LOSS, self._loss(batch), batch_size=num_targets)

    def on_validation_epoch_end(self) -> None:
        """Keep the weights if no others were as good."""
        loss = float(self.trainer.callback_metrics[_HELD_OUT_LOSS])
        if loss < self.best_loss:
            self.best_loss = loss
            self.best_weights = {name: value.clone() for name, value in self.network.state_dict().items()}

    def _loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        inputs_BT, targets_BT = batch
        log_probs_BTC = self.network(inputs_BT)
        return nll_loss(log_probs_BTC.flatten(0, 1), targets_BT.flatten(), ignore_index=_NO_TARGET)


def fit_network(
    network: nn.Module, sequences: Sequence[Sequence[int]], settings: SequenceBaseline, *, start: int
) -> None:
    """Train `network` in place, on the CPU, with torch's global random numbers; nothing is left on disk.

    Args:
        network: maps (B, T) occupations to log-probabilities of the next ones, (B, T, C).
        sequences: the columns of each career's occupations, none of them empty.
        settings: how to train.
        start: the input that stands before the first occupation.
    """
    order = torch.randperm(len(sequences)).tolist()
    num_held_out = round(settings.held_out_share * len(sequences))
    held_out = [sequences[index] for index in order[:num_held_out]]
    learned = [sequences[index] for index in order[num_held_out:]]
    if not learned:
        return
    module = SequenceModule(network, settings.learning_rate, settings.weight_decay)
    with lightning_silenced():
        trainer = L.Trainer(
            accelerator="cpu",
            devices=1,
            # One process, whatever the cluster's scheduler has started: Lightning would else ask for all its tasks.
            plugins=[LightningEnvironment()],
            max_epochs=settings.max_epochs,
            callbacks=[EarlyStopping(_HELD_OUT_LOSS, patience=settings.patience)] if held_out else [],
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        batches = DataLoader(_examples(learned, start), batch_size=settings.batch_size, shuffle=True)
        validation = DataLoader(_examples(held_out, start), batch_size=settings.batch_size) if held_out else None
        trainer.fit(module, batches, validation)
    if module.best_weights:
        network.load_state_dict(module.best_weights)


def _examples(sequences: Sequence[Sequence[int]], start: int) -> TensorDataset:
    """Inputs and targets, each (B, T): every occupation is a target, what stands before it the input."""
    inputs = [torch.tensor([start, *sequence[:-1]]) for sequence in sequences]
    targets = [torch.tensor(sequence) for sequence in sequences]
    return TensorDataset(
        pad_sequence(inputs, batch_first=True, padding_value=start),
        pad_sequence(targets, batch_first=True, padding_value=_NO_TARGET),
    )
