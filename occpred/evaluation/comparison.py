"""Comparison: how the systems of a sweep are held against each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from occpred.errors import UserError
from occpred.evaluation.intervals import GROUPS, Evaluation
from occpred.evaluation.measures import columns, is_known
from occpred.evaluation.pooling import pair_up
from occpred.evaluation.scores import Floats, Scores
from occpred.evaluation.significance import Significance, holm, mcnemar, permutation_test
from occpred.findings import PairedTest
from occpred.settings import Settings, setting

COMPARED = ("acc_em", "acc_rm", "mrr")
"""Measures in which systems are compared, where both have them."""

Test = Callable[[Floats, Sequence[str]], Significance]
"""From differences, (P,), and whose they are."""


@dataclass
class Comparison(Settings):
    """How the systems of a sweep are compared, and when a difference is called one.

    AccEM is tested by the exact McNemar test, AccRM and MRR by a paired permutation test, both person by person.
    """

    reference: str = setting("")
    """Label of the row that all others are held against; empty for the first."""
    joint: str = setting("joint")
    """Label of the row of the one model, of claims (a) and (b)."""
    two_models: str = setting("two_models")
    """Label of the row of the two models, of claim (b)."""
    comparable_margin: float = setting(5.0, above=0.0)
    """Points of AccEM that a system may lie below another and still count as comparable with it."""
    relevant_gain: float = setting(1.0, above=0.0)
    """Smallest gain in points of AccEM that would matter: a claim of a gain falls where one so large is excluded."""
    permutations: int = setting(10_000, minimum=1_000)
    """Draws of a permutation test; up to `significance.ENUMERATED` persons who differ need none."""
    seed: int = setting(0, minimum=0)
    """Decides the draws."""

    @property
    def tests(self) -> Mapping[str, Test]:
        """The test of each measure that is compared."""
        permutation = partial(permutation_test, permutations=self.permutations, seed=self.seed)
        return dict.fromkeys(COMPARED, permutation) | {"acc_em": mcnemar}

    def __call__(self, systems: Mapping[str, Scores], evaluation: Evaluation) -> list[PairedTest]:
        """Hold every system against the reference row, in each group and measure.

        The p-values are adjusted over the systems within each group and measure.

        Args:
            systems: scores by label, seeds pooled, in the order of the table; at least one.
            evaluation: makes the intervals.

        Raises:
            UserError: `reference` is not among the systems.
        """
        reference = self.reference_row(list(systems))
        found = [
            test for label in systems if label != reference for test in self.pair(label, reference, systems, evaluation)
        ]
        return _adjusted(found)

    def reference_row(self, labels: Sequence[str]) -> str:
        """Which of the rows, at least one, the others are held against. Raises `UserError` where it is not there."""
        if self.reference and self.reference not in labels:
            raise UserError(f"comparison.reference={self.reference}: no such row: choose one of {', '.join(labels)}")
        return self.reference or labels[0]

    def pair(
        self, system: str, reference: str, systems: Mapping[str, Scores], evaluation: Evaluation
    ) -> list[PairedTest]:
        """Hold one system against another, in each group that has examples, then in each measure.

        The p-values are not adjusted. Nothing is found where the two answered other examples.
        """
        both = pair_up(systems[system], systems[reference])
        if both is None:
            return []
        return [
            PairedTest(
                system=system,
                reference=reference,
                group=group,
                metric=measure,
                difference=evaluation.paired_difference(*both, measure, group),
                test=found.test,
                p_value=found.p_value,
                p_adjusted=found.p_value,
            )
            for group in groups_with_examples(both[0])
            for measure in self.tests
            if is_known(measure, *both)
            for found in [self._significance(*both, measure, group)]
        ]

    def _significance(self, a: Scores, b: Scores, measure: str, group: str) -> Significance:
        mask_P = GROUPS[group](a)
        difference_P = (columns(measure, a) - columns(measure, b))[mask_P, 0]
        return self.tests[measure](difference_P, [a.person_ids[row] for row in np.flatnonzero(mask_P)])


def groups_with_examples(scores: Scores) -> Iterator[str]:
    """The groups, in the order of `GROUPS`, that hold any example."""
    return (group for group, mask in GROUPS.items() if mask(scores).any())


def persons_by_group(scores: Scores) -> dict[str, int]:
    """How many persons each group holds, empty groups left out; a person may be both a mover and a stayer."""
    return {
        group: len({scores.person_ids[row] for row in np.flatnonzero(GROUPS[group](scores))})
        for group in groups_with_examples(scores)
    }


def _adjusted(tests: Sequence[PairedTest]) -> list[PairedTest]:
    families: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, test in enumerate(tests):
        families[test.group, test.metric].append(index)
    adjusted = {
        index: p_value
        for family in families.values()
        for index, p_value in zip(family, holm([tests[index].p_value for index in family]), strict=True)
    }
    return [replace(test, p_adjusted=adjusted[index]) for index, test in enumerate(tests)]
