"""What every baseline shares: it is fitted on careers and gives each occupation a log-probability.

Shapes: P examples, C occupations in taxonomy order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from occpred.rankings import Rankings
from occpred.records import CareerHistory, NextOccupationExample
from occpred.settings import Settings

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy


class FittedBaseline(Protocol):
    """A baseline that has seen its training careers."""

    def log_probs(self, history: CareerHistory) -> NDArray[np.float64]:
        """Log-probabilities of the occupation after `history`, (C,): finite, their probabilities sum to one."""
        ...


@dataclass
class Baseline(Settings, ABC):
    """A baseline before it is fitted. `name` is what tables and folders call it."""

    name: ClassVar[str]

    @abstractmethod
    def fit(self, careers: Sequence[CareerHistory], taxonomy: Taxonomy) -> FittedBaseline:
        """Learn from whole `careers`. Raises `KeyError` for an occupation that `taxonomy` does not have."""


def rank(
    baseline: Baseline,
    careers: Sequence[CareerHistory],
    examples: Sequence[NextOccupationExample],
    taxonomy: Taxonomy,
) -> Rankings:
    """Fit `baseline` on `careers` and let it rank all occupations for every example."""
    fitted = baseline.fit(careers, taxonomy)
    log_probs_PC = np.empty((len(examples), len(taxonomy)))
    for row, example in enumerate(examples):
        log_probs_PC[row] = fitted.log_probs(example.history)
    return Rankings(taxonomy.codes, tuple(example.example_id for example in examples), log_probs_PC)
