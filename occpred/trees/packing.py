"""Packing token trees into rows of one fixed length.

Shapes: B rows, T tokens a row, N scored tokens (those of branches), K branches, M steps of all branches' paths.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from occpred.trees.token_tree import TokenTree

_TILE = 32


def pack(lengths: Sequence[int], row_length: int) -> list[list[int]]:
    """Put items of the given lengths into as few rows as best-fit decreasing finds.

    Returns:
        For each row, the indices of its items. Deterministic: equal lengths keep their order.

    Raises:
        ValueError: an item is longer than a row.

    >>> pack([3, 6, 4, 2], row_length=8)
    [[1, 3], [2, 0]]
    """
    rows: list[list[int]] = []
    spaces: list[tuple[int, int]] = []  # what is free in each row, and the row's number; in order
    for item in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        length = lengths[item]
        if length > row_length:
            raise ValueError(f"a tree of {length} tokens does not fit into a row of {row_length}")
        best = bisect_left(spaces, (length, 0))
        if best == len(spaces):
            rows.append([])
            spaces.append((row_length, len(rows) - 1))
        space, row = spaces.pop(best)
        rows[row].append(item)
        insort(spaces, (space - length, row))
    return rows


def row_width(rows: Sequence[Sequence[TokenTree]]) -> int:
    """Columns that the fullest of `rows` needs, in whole tiles of 32: what no tree uses is not computed."""
    fullest = max(sum(map(len, row)) for row in rows)
    return max(_TILE, -(-fullest // _TILE) * _TILE)


class Span(NamedTuple):
    """Where a tree lies in a batch whose rows are put one behind the other: columns `first` to `end`, exclusive."""

    first: int
    end: int
    is_chain: bool
    """Whether its tokens are one path, each the child of the one before."""


@dataclass(frozen=True)
class TreeBatch:
    """Token trees as tensors: what a language model needs for their log-probabilities.

    Attributes:
        tokens_BT: vocabulary ids; unused tail positions repeat token 0.
        positions_BT: depth of each token in its tree.
        ends_BT: exclusive end of each token's subtree within its row. A tail token is its own tree.
        scored_N: flat index (row * T + column) of each branch token.
        parents_N: flat index of its parent, whose hidden state predicts it.
        path_nodes_M: branch after branch, the tokens of its path as indices into N.
        lengths_K: how many tokens each branch has.
        spans: where each tree lies, in order; what they leave out is unused.
        references_K: log-probability of each branch under the model it is compared with, where there is one.
    """

    tokens_BT: Tensor
    positions_BT: Tensor
    ends_BT: Tensor
    scored_N: Tensor
    parents_N: Tensor
    path_nodes_M: Tensor
    lengths_K: Tensor
    spans: tuple[Span, ...]
    references_K: Tensor | None = None

    def to(self, device: torch.device) -> TreeBatch:
        """Return the batch with its tensors on `device`."""
        return self._with_each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> TreeBatch:
        """Return the batch with its tensors in memory that a GPU reads by itself."""
        return self._with_each(Tensor.pin_memory)

    def _with_each(self, change: Callable[[Tensor], Tensor]) -> TreeBatch:
        changed: dict[str, Any] = {
            name: change(value) for name, value in vars(self).items() if isinstance(value, Tensor)
        }
        return replace(self, **changed)


def collate(rows: Sequence[Sequence[TokenTree]], row_length: int) -> TreeBatch:
    """Lay out trees, already divided into rows, as one batch. Branches are numbered in the order of rows and trees.

    >>> batch = collate([[TokenTree.grow([7], [[1, 2]]), TokenTree.grow([8], [[3]])]], row_length=6)
    >>> batch.tokens_BT.tolist(), batch.positions_BT.tolist(), batch.ends_BT.tolist()
    ([[7, 1, 2, 8, 3, 0]], [[0, 1, 2, 0, 1, 0]], [[3, 3, 3, 5, 5, 6]])
    >>> batch.scored_N.tolist(), batch.parents_N.tolist()
    ([1, 2, 4], [0, 1, 3])
    >>> batch.path_nodes_M.tolist(), batch.lengths_K.tolist()
    ([0, 1, 2], [2, 1])
    """
    tokens_BT = torch.zeros(len(rows), row_length, dtype=torch.long)
    positions_BT = torch.zeros(len(rows), row_length, dtype=torch.long)
    ends_BT = torch.arange(1, row_length + 1).repeat(len(rows), 1)
    scored: list[int] = []
    parents: list[int] = []
    path_nodes: list[int] = []
    lengths: list[int] = []
    spans: list[Span] = []
    for row, trees in enumerate(rows):
        column = 0
        for tree in trees:
            span = slice(column, column + len(tree))
            paths, parents_of = tree.paths, tree.parents
            # Through numpy, which reads Python's numbers in half the time.
            tokens_BT[row, span] = torch.from_numpy(np.array(tree.tokens))
            positions_BT[row, span] = torch.from_numpy(np.array(tree.depths))
            ends_BT[row, span] = torch.from_numpy(np.array(tree.ends)) + column
            flat = row * row_length + column
            spans.append(Span(flat, flat + len(tree), is_chain=len(paths) == 1))
            first = len(scored) - tree.trunk_length
            scored.extend(flat + node for node in range(tree.trunk_length, len(tree)))
            parents.extend(flat + parents_of[node] for node in range(tree.trunk_length, len(tree)))
            for path in paths:
                path_nodes.extend(first + node for node in path)
                lengths.append(len(path))
            column += len(tree)
    return TreeBatch(
        tokens_BT,
        positions_BT,
        ends_BT,
        scored_N=torch.tensor(scored, dtype=torch.long),
        parents_N=torch.tensor(parents, dtype=torch.long),
        path_nodes_M=torch.tensor(path_nodes, dtype=torch.long),
        lengths_K=torch.tensor(lengths, dtype=torch.long),
        spans=tuple(spans),
    )
