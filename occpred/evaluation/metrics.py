"""AccEM and AccRM as torchmetrics: exact over batches and devices, for use inside a Lightning module.

States are integer counts, so sums do not round, whatever the order of batches, and every accelerator can hold them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from occpred.evaluation.matching import RelatedTitles, exact_match, related_place


class AccEM(Metric):
    """Share of predictions whose title equals the true title, case-sensitive, in percent.

    `compute` gives a float64 scalar on the CPU; NaN before the first update.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 100.0

    equal: Tensor
    count: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("equal", default=torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("count", default=torch.tensor(0), dist_reduce_fx="sum")

    def update(self, predicted: Sequence[str], true: Sequence[str]) -> None:
        """Count one batch of titles. Raises `ValueError` where the lengths differ."""
        self.equal += sum(exact_match(guess, truth) for guess, truth in zip(predicted, true, strict=True))
        self.count += len(true)

    def compute(self) -> Tensor:
        """AccEM of all updates."""
        return 100 * self.equal.cpu().double() / self.count.cpu()


class AccRM(Metric):
    """Mean of 1 (title equal), 1 / (k + 1) (k-th title related to the true title) or 0 (else), in percent.

    Only the true title's related list is read, so AccRM is asymmetric; a title without a list earns by equality alone.
    AccRM is never below AccEM. `compute` gives a float64 scalar on the CPU; NaN before the first update.

    Args:
        related_titles: the ranked related titles of each title, most related first.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 100.0

    places: Tensor
    count: Tensor

    def __init__(self, related_titles: RelatedTitles, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.related_titles = related_titles
        longest = max(map(len, related_titles.values()), default=0)
        # places[0] counts equal titles, places[k] predictions that are k-th in the list.
        self.add_state("places", default=torch.zeros(1 + longest, dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("count", default=torch.tensor(0), dist_reduce_fx="sum")

    def update(self, predicted: Sequence[str], true: Sequence[str]) -> None:
        """Count one batch of titles. Raises `ValueError` where the lengths differ."""
        for guess, truth in zip(predicted, true, strict=True):
            place = related_place(guess, truth, self.related_titles)
            if place is not None:
                self.places[place] += 1
        self.count += len(true)

    def compute(self) -> Tensor:
        """AccRM of all updates."""
        places = self.places.cpu().double()
        return 100 * (places / torch.arange(1, len(places) + 1)).sum() / self.count.cpu()
