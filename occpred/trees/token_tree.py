"""Everything a language model is asked is a token tree.

A prompt is the trunk; completions are branches, which share the tokens they have in common. SFT is a tree with one
branch, DPO one with two, ranking is the trie of all occupation titles. One rule serves all: *a token sees its
ancestors*, and its position is its depth.

Tokens are stored depth-first, parents before children. Then the subtree of token j is the contiguous run [j, end[j]),
and "j is an ancestor of i, or i itself" is the test `j <= i < end[j]`: one integer a token describes the whole mask.
In that order depths alone say what is whose child, so a tree in memory is two small integers a token.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

_INTEGERS = "i"
"""Four bytes each, as `array` names them."""


@dataclass(frozen=True)
class TokenTree:
    """A trunk with branches, flattened depth-first.

    Attributes:
        tokens: vocabulary ids, trunk first.
        depths: distance of each token from the first, which is the token's position for the model.
        trunk_length: how many tokens the trunk has.
        tips: for each branch as given, the index of its last token.
    """

    tokens: array[int]
    depths: array[int]
    trunk_length: int
    tips: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def num_targets(self) -> int:
        """How many tokens the branches have in all; one shared by two branches counts twice."""
        return sum(self.depths[tip] + 1 - self.trunk_length for tip in self.tips)

    @property
    def parents(self) -> list[int]:
        """Index of each token's parent; -1 for the first token. Made anew each time, as are `ends` and `paths`."""
        latest = [-1] * (max(self.depths) + 2)  # of each depth plus one, the last token so far
        parents = []
        for node, depth in enumerate(self.depths):
            parents.append(latest[depth])
            latest[depth + 1] = node
        return parents

    @property
    def ends(self) -> list[int]:
        """Exclusive end of each token's subtree."""
        ends = [len(self)] * len(self)
        path: list[int] = []
        for node, depth in enumerate(self.depths):
            for closed in path[depth:]:
                ends[closed] = node
            del path[depth:]
            path.append(node)
        return ends

    @property
    def paths(self) -> list[list[int]]:
        """For each branch as given, the indices of its tokens from the trunk to its tip."""
        own, tips = self.trunk_length, set(self.tips)
        path: list[int] = []
        to_tip = {}
        for node, depth in enumerate(self.depths[own:], start=own):
            del path[depth - own :]
            path.append(node)
            if node in tips:
                to_tip[node] = path.copy()
        return [to_tip[tip] for tip in self.tips]

    @classmethod
    def grow(cls, trunk: Sequence[int], branches: Sequence[Sequence[int]]) -> TokenTree:
        """Build the tree of `trunk` and `branches`; common beginnings of branches become common tokens.

        Raises:
            ValueError: the trunk or a branch is empty, or there is no branch.

        >>> tree = TokenTree.grow([7, 8], [[1, 2], [1, 3]])
        >>> list(tree.tokens), tree.parents, tree.ends
        ([7, 8, 1, 2, 3], [-1, 0, 1, 2, 2], [5, 5, 5, 4, 5])
        >>> list(tree.depths), tree.paths
        ([0, 1, 2, 3, 3], [[2, 3], [2, 4]])
        """
        if not trunk or not branches or not all(branches):
            raise ValueError("a token tree needs a trunk and at least one branch, none of them empty")
        # Sorted branches visit the trie depth-first, so a stack of the current path is all the state there is.
        order = sorted(range(len(branches)), key=lambda branch: tuple(branches[branch]))
        tokens, depths = array(_INTEGERS, trunk), array(_INTEGERS, range(len(trunk)))
        tips = [0] * len(branches)
        path: list[int] = []
        for branch in order:
            shared = _shared_length([tokens[node] for node in path], branches[branch])
            del path[shared:]
            for token in branches[branch][shared:]:
                depths.append(len(trunk) + len(path))
                path.append(len(tokens))
                tokens.append(token)
            tips[branch] = path[-1]
        return cls(tokens, depths, len(trunk), tuple(tips))

    def behind(self, trunk: Sequence[int]) -> TokenTree:
        """The same branches on another trunk, without growing them anew.

        Raises:
            ValueError: the trunk is empty.

        >>> tree = TokenTree.grow([0], [[1, 2], [1, 3]])
        >>> tree.behind([7, 8]) == TokenTree.grow([7, 8], [[1, 2], [1, 3]])
        True
        """
        if not trunk:
            raise ValueError("a token tree needs a trunk")
        own, shift = self.trunk_length, len(trunk) - self.trunk_length
        return TokenTree(
            array(_INTEGERS, trunk) + self.tokens[own:],
            array(_INTEGERS, [*range(len(trunk)), *(depth + shift for depth in self.depths[own:])]),
            len(trunk),
            tuple(tip + shift for tip in self.tips),
        )


def _shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length
