"""The training data as a sequence of optimizer steps, known in full before the first one.

Step i depends on the seed and on i alone. So a run that goes on from a checkpoint sees what it would have seen, and
each step knows the number of target tokens it is normalised by, over all micro-batches and ranks, without asking.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from occpred.trees.packing import TreeBatch, collate, pack
from occpred.trees.token_tree import TokenTree

_TILE = 32


@dataclass(frozen=True)
class OptimizerStep:
    """What one rank computes for one optimizer step.

    Attributes:
        batches: micro-batches, one forward and backward each; as many on every rank.
        num_targets: branch tokens of the whole step, over all micro-batches and ranks.
        num_trees: trees of the whole step, over all micro-batches and ranks.
    """

    batches: tuple[TreeBatch, ...]
    num_targets: int
    num_trees: int

    def to(self, device: torch.device) -> OptimizerStep:
        """Return the step with its tensors on `device`."""
        return replace(self, batches=tuple(batch.to(device) for batch in self.batches))


def plan_steps(num_trees: int, batch_size: int, epochs: int, seed: int) -> list[list[int]]:
    """Divide `epochs` passes over the trees, each in its own random order, into steps of `batch_size`.

    The last step of an epoch may be smaller; no tree is left out and none is seen twice in an epoch.
    """
    steps: list[list[int]] = []
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(num_trees).tolist()
        steps += [order[first : first + batch_size] for first in range(0, num_trees, batch_size)]
    return steps


@dataclass(frozen=True)
class PackedSteps(Dataset[OptimizerStep]):
    """Optimizer steps by number, packed for one of `world_size` ranks.

    Attributes:
        trees: all training trees.
        plan: for each step, the indices of its trees.
        row_length: tokens a row.
        rows_per_forward: rows of one micro-batch.
        rank: which of the ranks this is.
        world_size: how many ranks share a step.
    """

    trees: Sequence[TokenTree]
    plan: Sequence[Sequence[int]]
    row_length: int
    rows_per_forward: int
    rank: int = 0
    world_size: int = 1

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, step: int) -> OptimizerStep:
        chosen = [self.trees[index] for index in self.plan[step]]
        packed = pack([len(tree) for tree in chosen], self.row_length)
        rows = [[chosen[item] for item in row] for row in packed]
        # Every rank must take part in every all-reduce, so the last ones may get rows without a tree.
        rows += [[] for _ in range(-len(rows) % self.world_size)]
        own = rows[self.rank :: self.world_size]
        micro_batches = [
            own[first : first + self.rows_per_forward] for first in range(0, len(own), self.rows_per_forward)
        ]
        return OptimizerStep(
            batches=tuple(collate(micro_batch, _width(micro_batch)) for micro_batch in micro_batches),
            num_targets=sum(len(path) for tree in chosen for path in tree.paths),
            num_trees=len(chosen),
        )


def _width(rows: Sequence[Sequence[TokenTree]]) -> int:
    """Columns that the fullest of `rows` needs, in whole tiles: what no tree uses is not computed."""
    fullest = max(sum(map(len, row)) for row in rows)
    return max(_TILE, -(-fullest // _TILE) * _TILE)


@dataclass(frozen=True)
class StepsFrom(Sampler[int]):
    """Steps `first`, `first + 1`, ... of `total`. Its length stays the total, which is what progress counts against."""

    first: int
    total: int

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.total))

    def __len__(self) -> int:
        return self.total
