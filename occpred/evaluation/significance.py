"""Tests of no difference between two systems that answered the same examples.

Both tests ask the same: if the systems were interchangeable, how often would a difference at least this large arise by
swapping their names, person by person? A person's answers (several examples, several seeds) resemble each other, so
they are swapped together: what counts is each person's total difference, and its sign is what is drawn.

Shapes: P answers, N persons, D persons with a difference, V distinct sizes of it, M draws, W sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from occpred.evaluation.scores import Floats

ENUMERATED = 14
"""Up to so many persons with a difference, all 2 ** D draws are looked at: 16,384, about as many as are drawn else."""
_ROUNDING = 1e-9
"""Differences below this are sums of the same numbers in another order."""
_DRAWN_AT_ONCE = 1_000


@dataclass(frozen=True)
class Significance:
    """The two-sided p-value of a test, and the test's name in words."""

    test: str
    p_value: float


def person_totals(values_P: Floats, person_ids: Sequence[str]) -> Floats:
    """Each person's sum, (N,), in the order of the persons' names."""
    persons_P = np.unique(np.array(person_ids), return_inverse=True)[1]
    return np.bincount(persons_P, weights=values_P).astype(np.float64)


def mcnemar(difference_P: Floats, person_ids: Sequence[str]) -> Significance:
    """Exact McNemar test on right (1) minus wrong (0), answer by answer.

    With one answer a person, D persons are right with one system only, and under the null each is as likely to be so
    with either: the p-value is twice the binomial tail B(D, 1/2) up to the smaller of both counts, and at most 1.

    With several answers a person the totals are whole numbers, and the same coins decide their signs; the sum has an
    exact distribution too, a convolution of one binomial for each size of total. Counting just the signs of the totals
    would be simpler, but is no test of equal accuracy: a system that is always right about two thirds of the people and
    one that is right two times out of three about everybody have the same accuracy, and yet the former has the larger
    total for two thirds of the people.

    Args:
        difference_P: -1, 0 or 1.
        person_ids: whose answers these are.

    Raises:
        ValueError: a difference is not a whole number.
    """
    totals_N = person_totals(difference_P, person_ids)
    if (totals_N != np.rint(totals_N)).any():
        raise ValueError("the exact McNemar test is for answers that are right or wrong")
    several = len(totals_N) < len(person_ids)
    name = "exact McNemar test on persons' totals" if several else "exact McNemar test"
    return Significance(name, _whole_number_p_value(totals_N.astype(np.int64).tolist()))


def _whole_number_p_value(totals: Sequence[int]) -> float:
    """Probability that coins of sign +-1 make the sum of `totals` at least as far from 0 as it is."""
    from scipy.stats import binom

    sizes_V, counts_V = np.unique(np.abs([total for total in totals if total]), return_counts=True)
    # W: the sum of those that fall to one side, from 0 to the sum of all sizes; the other side has the rest.
    chances_W = np.ones(1)
    for size, count in zip(sizes_V.astype(np.int64).tolist(), counts_V.tolist(), strict=True):
        side_W = np.zeros(size * count + 1)
        side_W[::size] = binom.pmf(np.arange(count + 1), count, 0.5)
        chances_W = np.convolve(chances_W, side_W)
    smaller_side = (len(chances_W) - 1 - abs(sum(totals))) // 2
    return min(1.0, 2 * float(chances_W[: smaller_side + 1].sum()))


def permutation_test(difference_P: Floats, person_ids: Sequence[str], permutations: int, seed: int) -> Significance:
    """Paired permutation test of the mean difference.

    Exact, by looking at all draws, where at most `ENUMERATED` persons have a difference at all. Else b of m =
    `permutations` draws are as large as what was found, and the p-value is (b + 1) / (m + 1): it counts what was found
    among the draws, is never 0, and keeps the error rate (Phipson and Smyth 2010).

    Args:
        difference_P: what one system earned minus what the other earned.
        person_ids: whose answers these are.
        permutations: m.
        seed: decides the draws.
    """
    totals_N = person_totals(difference_P, person_ids)
    totals_D = totals_N[np.abs(totals_N) > _ROUNDING]
    found = abs(totals_D.sum()) - _ROUNDING
    if len(totals_D) <= ENUMERATED:
        return Significance("exact paired permutation test", float(np.mean(_all_sums(totals_D) >= found)))
    reached = 0
    rng = np.random.default_rng(seed)
    for first in range(0, permutations, _DRAWN_AT_ONCE):
        draws = min(_DRAWN_AT_ONCE, permutations - first)
        signs_MD = 1 - 2 * rng.integers(2, size=(draws, len(totals_D)), dtype=np.int8)
        reached += int((np.abs(signs_MD @ totals_D) >= found).sum())
    return Significance(f"paired permutation test, {permutations:,} draws", (reached + 1) / (permutations + 1))


def _all_sums(totals_D: Floats) -> Floats:
    """Distance from 0 of the sum under each of the 2 ** D choices of signs, (M,)."""
    sums_M = np.zeros(1)
    for total in totals_D:
        sums_M = np.concatenate([sums_M + total, sums_M - total])
    return np.abs(sums_M)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number, so that the chance of even one false alarm stays that of a single test.

    The smallest of m is multiplied by m, the next by m - 1 and so on; none may fall below one that was smaller before,
    or exceed 1 (Holm 1979).
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, (len(p_values) - place) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted
