"""The trie of all titles, as arrays, for a search that opens only a part of it.

Shapes: N nodes, C titles, L steps of the longest title, E edges from some nodes to their children.

Node 0 stands for the prompt. To *read* a node is to let the model see its token; that gives each child its probability.
A node with a single child leads nowhere else, so it is read together with what follows: *a stretch* is a node and its
forced descendants up to the next branching, or up to where only the end of one title is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from occpred.trees.token_tree import TokenTree

Ints = NDArray[np.int64]


class TitleTrie:
    """The trie of `titles`, none of which may be the beginning of another.

    Attributes:
        tree: the same as a token tree, node 0 its trunk.
        leaves_C: the node that ends each title.
        tokens_N: vocabulary ids; that of node 0 means nothing.
        depths_N: how many tokens lead to the node.
        ends_N: exclusive end of each node's subtree; nodes are stored depth-first.
        lasts_N: last node of the stretch that begins with the node.
        lengths_N: how many nodes that stretch has.
        titles_N: how many titles the node leads to.
        is_leaf_N: whether the node ends a title.

    Raises:
        ValueError: a title is empty or the beginning of another, so that their probabilities would not add up.
    """

    def __init__(self, titles: Sequence[Sequence[int]]) -> None:
        self.tree = tree = TokenTree.grow([0], titles)
        size = len(tree)
        self.tokens_N = np.array(tree.tokens)
        self.depths_N = np.array(tree.depths)
        self.ends_N = np.array(tree.ends)
        self.is_leaf_N = self.ends_N == np.arange(size) + 1
        self._paths_CL = padded(tree.paths)  # 0 is on no path
        self.leaves_C = np.array(tree.tips)
        steps = self._paths_CL[self._paths_CL > 0]
        self.titles_N = np.bincount(steps, minlength=size)
        self.titles_N[0] = len(titles)
        if (self.titles_N[self.is_leaf_N] > 1).any() or not self.is_leaf_N[self.leaves_C].all():
            raise ValueError("a title is the beginning of another: give what tells that it has ended")
        self._children, self._first_child_N = _children(np.array(tree.parents))
        self._num_children_N = np.diff(self._first_child_N)
        self.lasts_N = self._lasts()
        self.lengths_N = self.lasts_N - np.arange(size) + 1

    def __len__(self) -> int:
        return len(self.tokens_N)

    def _lasts(self) -> Ints:
        # A single child is the next node, so stretches are runs.
        goes_on_N = (self._num_children_N == 1) & ~np.append(self.is_leaf_N[1:], True)
        lasts_N = np.arange(len(self))
        for node in range(len(self) - 2, 0, -1):
            if goes_on_N[node]:
                lasts_N[node] = lasts_N[node + 1]
        return lasts_N

    def edges(self, nodes: Ints) -> tuple[Ints, Ints]:
        """For each child of `nodes`, in order: its parent, as an index into `nodes`, and the child, both (E,)."""
        counts = self._num_children_N[nodes]
        parents_E = np.repeat(np.arange(len(nodes)), counts)
        places_E = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return parents_E, self._children[self._first_child_N[nodes][parents_E] + places_E]

    def behind(self, nodes: Ints, titles: Ints) -> Ints:
        """For each of `titles`, the node on its path behind the stretch that begins with the node beside it."""
        return np.asarray(self._paths_CL[titles, self.depths_N[self.lasts_N[nodes]]])


def padded(rows: Sequence[Sequence[int] | Ints]) -> Ints:
    """The rows, filled up with 0."""
    filled = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    for row, given in zip(filled, rows, strict=True):
        row[: len(given)] = given
    return filled


def _children(parents_N: Ints) -> tuple[Ints, Ints]:
    """All nodes but the first, by parent; and where the children of each node begin, with where the last ones end."""
    children = 1 + np.argsort(parents_N[1:], kind="stable")
    starts = np.searchsorted(parents_N[children], np.arange(len(parents_N) + 1))
    return children, starts
