"""The bootstrap over persons.

Shapes: P examples, N persons, K columns, S samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from occpred.evaluation.scores import Floats

_DRAWN_AT_ONCE = 100_000
"""Persons drawn in one go, which bounds memory."""


def bootstrap_means(columns_PK: Floats, person_ids: Sequence[str], samples: int, seed: int) -> Floats:
    """Column means over the examples, (1 + S, K): as they are, then for each of `samples` samples of persons.

    Persons are drawn with replacement, as many as there are, and bring all their examples along, because one person's
    examples resemble each other and drawing them singly would make intervals too narrow. A sample's mean is that of its
    pooled examples. The draws depend on `seed` and `person_ids` alone, so systems with the same examples share them.

    Args:
        columns_PK: at least one example.
        person_ids: P of them.
        samples: how many samples to draw.
        seed: decides who is drawn.
    """
    persons_P = np.unique(np.array(person_ids), return_inverse=True)[1]
    people = int(persons_P.max()) + 1
    sums_NK = np.zeros((people, columns_PK.shape[1]))
    np.add.at(sums_NK, persons_P, columns_PK)
    counts_N = np.bincount(persons_P)
    means_SK = np.empty((1 + samples, columns_PK.shape[1]))
    means_SK[0] = sums_NK.sum(axis=0) / counts_N.sum()
    first = 1
    for drawn_SN in _draws(people, samples, seed):
        means_SK[first : first + len(drawn_SN)] = drawn_SN @ sums_NK / (drawn_SN @ counts_N)[:, None]
        first += len(drawn_SN)
    return means_SK


def bootstrap_counts(
    cells_P: NDArray[np.int64], num_cells: int, person_ids: Sequence[str], samples: int, seed: int
) -> Floats:
    """How many examples lie in each of K cells, (1 + S, K): as they are, then for the samples of `bootstrap_means`.

    Args:
        cells_P: the cell of each example, 0 to K - 1; at least one example.
        num_cells: K.
        person_ids: P of them.
        samples: how many samples to draw.
        seed: decides who is drawn.
    """
    from scipy.sparse import coo_array

    persons_P = np.unique(np.array(person_ids), return_inverse=True)[1]
    people = int(persons_P.max()) + 1
    # A person has examples in few cells.
    counts_NK = coo_array((np.ones(len(cells_P)), (persons_P, cells_P)), shape=(people, num_cells)).tocsr()
    once_SN = np.ones((1, people))
    return np.concatenate([drawn_SN @ counts_NK for drawn_SN in (once_SN, *_draws(people, samples, seed))])


def _draws(people: int, samples: int, seed: int) -> Iterator[Floats]:
    """How often each person is drawn in each sample, (S, N), some samples at a time."""
    rng = np.random.default_rng(seed)
    at_once = max(1, _DRAWN_AT_ONCE // people)
    for first in range(0, samples, at_once):
        yield _times_drawn(rng.integers(people, size=(min(at_once, samples - first), people)))


def _times_drawn(persons_SN: NDArray[np.int64]) -> Floats:
    """How often each person, (S, N), stands in each row of `persons_SN`."""
    samples, people = persons_SN.shape
    # Each row counts in numbers of its own, so that one count does for all rows.
    cells_SN = persons_SN + people * np.arange(samples)[:, None]
    return np.bincount(cells_SN.ravel(), minlength=samples * people).reshape(samples, people).astype(np.float64)
