"""Neural networks that read a career occupation by occupation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from occpred.baselines.baseline import Baseline
from occpred.records import CareerHistory
from occpred.settings import setting

if TYPE_CHECKING:
    from torch import nn

    from occpred.taxonomy.taxonomy import Taxonomy


@dataclass
class SequenceBaseline(Baseline):
    """A network that learns to foresee each occupation of the training careers, the first too, from those before it.

    It is trained by AdamW on the mean negative log-likelihood of all positions. Some people are held out of training;
    when they have been foreseen no better for `patience` epochs, training stops and the best weights are taken.
    """

    hidden_size: int = setting(32, minimum=1)
    """Numbers that represent an occupation, and a career up to a position."""
    dropout: float = setting(0.1, minimum=0.0, below=1.0)
    """Share of the representation that is blanked at random in training."""
    learning_rate: float = setting(1e-2, above=0.0)
    """Of AdamW; it stays the same throughout."""
    weight_decay: float = setting(0.5, minimum=0.0)
    """Decoupled weight decay of AdamW; much of it, since careers are few and short."""
    batch_size: int = setting(64, minimum=1)
    """Careers an optimizer step."""
    max_epochs: int = setting(60, minimum=1)
    """Passes over the training careers at most."""
    patience: int = setting(5, minimum=1)
    """Epochs without a new best after which training stops."""
    held_out_share: float = setting(0.1, minimum=0.0, below=1.0)
    """Share of the people that decide when to stop; with none of them, all epochs are made."""
    seed: int = setting(0, minimum=0)
    """Of the weights, the dropout, the order of the careers and who is held out."""

    @abstractmethod
    def network(self, num_occupations: int) -> nn.Module:
        """Return the network with its first weights.

        It maps columns of occupations, (B, T), to log-probabilities of what comes after each of them, (B, T, C), which
        depend on nothing that stands further on. The column `num_occupations` stands for the start of a career.
        """

    def fit(self, careers: Sequence[CareerHistory], taxonomy: Taxonomy) -> FittedSequenceBaseline:
        """Train a network on `careers`. The state of torch's own random numbers stays as it is."""
        import torch

        from occpred.baselines.sequence_fit import fit_network

        sequences = [_columns(career, taxonomy) for career in careers if career.positions]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = self.network(len(taxonomy))
            fit_network(network, sequences, self, start=len(taxonomy))
        return FittedSequenceBaseline(network.eval(), taxonomy)


@dataclass(frozen=True)
class FittedSequenceBaseline:
    """The trained network."""

    network: nn.Module
    taxonomy: Taxonomy

    def log_probs(self, history: CareerHistory) -> NDArray[np.float64]:
        """Log-probabilities, (C,), of what comes after the last position."""
        import torch

        with torch.inference_mode():
            columns_1T = torch.tensor([[len(self.taxonomy), *_columns(history, self.taxonomy)]])
            log_probs_C = self.network(columns_1T)[0, -1].double()
            # Once more in double precision, so that the probabilities sum to one as closely as those of others.
            return np.asarray(log_probs_C.log_softmax(-1).numpy())


def _columns(career: CareerHistory, taxonomy: Taxonomy) -> list[int]:
    return [taxonomy.index(position.occupation_code) for position in career.positions]
