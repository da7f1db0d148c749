"""Measures of a system with their intervals, for all people, movers and stayers.

Shapes: P examples, K columns of a measure, S bootstrap samples after the value itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from occpred.errors import UserError
from occpred.evaluation.bootstrap import bootstrap_counts, bootstrap_means
from occpred.evaluation.correlation import Association
from occpred.evaluation.measures import MEASURES, columns
from occpred.evaluation.scores import Floats, Scores
from occpred.records import Estimate, SystemMetrics
from occpred.settings import Settings, setting

Mask = NDArray[np.bool_]

GROUPS: Mapping[str, Callable[[Scores], Mask]] = MappingProxyType(
    {
        "all": lambda scores: np.ones_like(scores.is_move_P),
        "movers": lambda scores: scores.is_move_P,
        "stayers": lambda scores: ~scores.is_move_P,
    }
)
"""Which examples, (P,), each group of a table holds."""


@dataclass
class Evaluation(Settings):
    """All measures of a system with percentile intervals by bootstrap over persons.

    The calibration error of a sample is larger on average than that of all people (it is a sum of absolute values), so
    its interval lies rather high and may even miss the value.
    """

    bootstrap_samples: int = setting(2000, minimum=100)
    """How often persons are drawn anew."""
    confidence: float = setting(0.95, above=0.0, below=1.0)
    """Share of the samples inside the interval."""
    seed: int = setting(0, minimum=0)
    """Decides which persons are drawn, the same ones for all systems."""

    def __call__(self, system: str, scores: Scores) -> list[SystemMetrics]:
        """Give all measures that `scores` allow, in the order of `MEASURES`, for each group that has examples.

        Raises:
            UserError: there is no example at all.
        """
        if not scores.example_ids:
            raise UserError("there are no examples to evaluate: give more careers or a split with a larger test share")
        available = {name: measure.columns(scores) for name, measure in MEASURES.items()}
        given = {name: columns_PK for name, columns_PK in available.items() if columns_PK is not None}
        masks = {group: mask(scores) for group, mask in GROUPS.items()}
        return [
            SystemMetrics(system, group, self._estimates(scores, given, mask_P))
            for group, mask_P in masks.items()
            if mask_P.any()
        ]

    def paired_difference(self, a: Scores, b: Scores, measure: str, group: str = "all") -> Estimate:
        """Give the measure of `a` minus that of `b`, with an interval from drawing the same persons for both.

        Args:
            a: scores of one system.
            b: scores of another system on the same examples.
            measure: a key of `MEASURES`.
            group: a key of `GROUPS`.

        Raises:
            ValueError: the examples differ, the group is empty, or a system has no such answers.
        """
        mask_P = GROUPS[group](a)
        if a.example_ids != b.example_ids or not mask_P.any():
            raise ValueError(f"a paired difference needs the same examples from both systems, with some {group}")
        person_ids = _inside(a.person_ids, mask_P)
        # Each on its own, so that equal answers give equal sums and a difference of exactly 0.
        a_S, b_S = (
            MEASURES[measure].value(self._means(columns(measure, scores)[mask_P], person_ids)) for scores in (a, b)
        )
        return self._interval(a_S - b_S, person_ids)

    def estimate(self, columns_PK: Floats, person_ids: Sequence[str], value: Callable[[Floats], Floats]) -> Estimate:
        """Give any function of column means with its interval.

        Args:
            columns_PK: what to average, at least one example.
            person_ids: P of them, the units that are drawn.
            value: from means, (S, K), to the function, (S,). Draws where it is not defined (NaN) are left out.
        """
        values_S = value(self._means(columns_PK, person_ids))
        return self._interval(values_S[~np.isnan(values_S)], person_ids)

    def association(self, x_P: Floats, y_P: Floats, person_ids: Sequence[str], measure: Association) -> Estimate | None:
        """Give how far two numbers go together, with its interval; `None` where that is not defined.

        Args:
            x_P: one number of each example.
            y_P: the other.
            person_ids: P of them, the units that are drawn; there may be none.
            measure: such as `spearman`. Draws where it is not defined (NaN) are left out.
        """
        if not person_ids:
            return None
        (x_X, cell_x_P), (y_Y, cell_y_P) = (np.unique(values_P, return_inverse=True) for values_P in (x_P, y_P))
        shape = (len(x_X), len(y_Y))
        cells_P = np.ravel_multi_index((cell_x_P, cell_y_P), shape)
        counts_SK = bootstrap_counts(cells_P, len(x_X) * len(y_Y), person_ids, self.bootstrap_samples, self.seed)
        values_S = measure(counts_SK.reshape(-1, *shape), x_X, y_Y)
        return None if np.isnan(values_S[0]) else self._interval(values_S[~np.isnan(values_S)], person_ids)

    def _estimates(self, scores: Scores, given: Mapping[str, Floats], mask_P: Mask) -> dict[str, Estimate]:
        person_ids = _inside(scores.person_ids, mask_P)
        means_SK = self._means(np.concatenate(list(given.values()), axis=1)[mask_P], person_ids)
        ends = np.cumsum([columns_PK.shape[1] for columns_PK in given.values()])
        return {
            name: self._interval(MEASURES[name].value(part_SK), person_ids)
            for name, part_SK in zip(given, np.split(means_SK, ends[:-1], axis=1), strict=True)
        }

    def _means(self, columns_PK: Floats, person_ids: Sequence[str]) -> Floats:
        return bootstrap_means(columns_PK, person_ids, self.bootstrap_samples, self.seed)

    def _interval(self, values_S: Floats, person_ids: Sequence[str]) -> Estimate:
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(values_S[1:], [tail, 1 - tail])
        return Estimate(float(values_S[0]), float(low), float(high), len(person_ids), len(set(person_ids)))


def _inside(person_ids: Sequence[str], mask_P: Mask) -> list[str]:
    return [person for person, inside in zip(person_ids, mask_P, strict=True) if inside]
