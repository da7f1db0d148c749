"""The training data as a sequence of optimizer steps, known in full before the first one.

Step i depends on the seed and on i alone. So a run that goes on from a checkpoint sees what it would have seen, and
each step knows the number of target tokens it is normalised by, over all micro-batches and ranks, without asking.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from occpred.trees.packing import TreeBatch, collate, pack, row_width
from occpred.trees.token_tree import TokenTree


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

    def pin_memory(self) -> OptimizerStep:
        """Return the step with its tensors in memory that a GPU reads by itself; loaders ask for it by this name."""
        return replace(self, batches=tuple(batch.pin_memory() for batch in self.batches))


def plan_steps(num_trees: int, batch_size: int, epochs: int, seed: int) -> list[list[int]]:
    """Divide `epochs` passes over the trees, each in its own random order, into steps of `batch_size`.

    The last step of an epoch may be smaller; no tree is left out and none is seen twice in an epoch.
    """
    return [step for epoch in range(epochs) for step in _epoch(num_trees, batch_size, epoch, seed)]


def plan_target_tokens(targets: Sequence[int], batch_size: int, target_tokens: int, seed: int) -> list[list[int]]:
    """Plan the same steps for as many epochs as it takes until their trees have `target_tokens` target tokens in all.

    The step that reaches the budget is the last one, and it is a whole one: the budget is exceeded by less than a step.

    Args:
        targets: target tokens of each tree, at least one.
        batch_size: trees a step.
        target_tokens: the budget.
        seed: draws the order of each epoch.

    Raises:
        ValueError: there are no trees to plan with.
    """
    if not targets:
        raise ValueError("a budget of target tokens needs trees to spend it on")
    epochs = (_epoch(len(targets), batch_size, epoch, seed) for epoch in itertools.count())
    steps: list[list[int]] = []
    spent = 0
    for step in itertools.chain.from_iterable(epochs):
        if spent >= target_tokens:
            break
        steps.append(step)
        spent += sum(targets[index] for index in step)
    return steps


def _epoch(num_trees: int, batch_size: int, epoch: int, seed: int) -> list[list[int]]:
    order: list[int] = np.random.default_rng([seed, epoch]).permutation(num_trees).tolist()
    return [order[first : first + batch_size] for first in range(0, num_trees, batch_size)]


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
        references: for each tree, the log-probability of each branch under the model it is compared with.
    """

    trees: Sequence[TokenTree]
    plan: Sequence[Sequence[int]]
    row_length: int
    rows_per_forward: int
    rank: int = 0
    world_size: int = 1
    references: Sequence[Sequence[float]] | None = None

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, step: int) -> OptimizerStep:
        indices = self.plan[step]
        packed = pack([len(self.trees[index]) for index in indices], self.row_length)
        rows = [[indices[item] for item in row] for row in packed]
        # Every rank must take part in every all-reduce, so the last ones may get rows without a tree.
        rows += [[] for _ in range(-len(rows) % self.world_size)]
        own = rows[self.rank :: self.world_size]
        micro_batches = [
            own[first : first + self.rows_per_forward] for first in range(0, len(own), self.rows_per_forward)
        ]
        return OptimizerStep(
            batches=tuple(self._collated(micro_batch) for micro_batch in micro_batches),
            num_targets=sum(self.trees[index].num_targets for index in indices),
            num_trees=len(indices),
        )

    def _collated(self, rows: Sequence[Sequence[int]]) -> TreeBatch:
        trees = [[self.trees[index] for index in row] for row in rows]
        batch = collate(trees, row_width(trees))
        if self.references is None:
            return batch
        references = [log_prob for row in rows for index in row for log_prob in self.references[index]]
        return replace(batch, references_K=torch.tensor(references, dtype=torch.float32))


@dataclass(frozen=True)
class StepsFrom(Sampler[int]):
    """Steps `first`, `first + 1`, ... of `total`. Its length stays the total, which is what progress counts against."""

    first: int
    total: int

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.total))

    def __len__(self) -> int:
        return self.total
