"""Everything a language model is asked is a token tree.

A prompt is the trunk; completions are branches, which share the tokens they have in common. SFT is a tree with one
branch, DPO one with two, ranking is the trie of all occupation titles. One rule serves all: *a token sees its
ancestors*, and its position is its depth.

Tokens are stored depth-first, parents before children. Then the subtree of token j is the contiguous run [j, end[j]),
and "j is an ancestor of i, or i itself" is the test `j <= i < end[j]`: one integer a token describes the whole mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TokenTree:
    """A trunk with branches, flattened depth-first.

    Attributes:
        tokens: vocabulary ids, trunk first.
        parents: index of each token's parent; -1 for the first token.
        depths: distance from the first token, which is the token's position for the model.
        ends: exclusive end of each token's subtree.
        trunk_length: how many tokens the trunk has.
        paths: for each branch as given, the indices of its tokens from the trunk to its tip.
    """

    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    depths: tuple[int, ...]
    ends: tuple[int, ...]
    trunk_length: int
    paths: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def num_targets(self) -> int:
        """How many tokens the branches have in all; one shared by two branches counts twice."""
        return sum(map(len, self.paths))

    @classmethod
    def grow(cls, trunk: Sequence[int], branches: Sequence[Sequence[int]]) -> TokenTree:
        """Build the tree of `trunk` and `branches`; common beginnings of branches become common tokens.

        Raises:
            ValueError: the trunk or a branch is empty, or there is no branch.

        >>> tree = TokenTree.grow([7, 8], [[1, 2], [1, 3]])
        >>> tree.tokens, tree.parents, tree.ends
        ((7, 8, 1, 2, 3), (-1, 0, 1, 2, 2), (5, 5, 5, 4, 5))
        >>> tree.depths, tree.paths
        ((0, 1, 2, 3, 3), ((2, 3), (2, 4)))
        """
        if not trunk or not branches or not all(branches):
            raise ValueError("a token tree needs a trunk and at least one branch, none of them empty")
        # Sorted branches visit the trie depth-first, so a stack of the current path is all the state there is.
        order = sorted(range(len(branches)), key=lambda branch: tuple(branches[branch]))
        tokens, parents, depths = list(trunk), list(range(-1, len(trunk) - 1)), list(range(len(trunk)))
        paths: list[tuple[int, ...]] = [()] * len(branches)
        path: list[int] = []
        for branch in order:
            shared = _shared_length([tokens[node] for node in path], branches[branch])
            del path[shared:]
            for token in branches[branch][shared:]:
                parents.append(path[-1] if path else len(trunk) - 1)
                depths.append(len(trunk) + len(path))
                path.append(len(tokens))
                tokens.append(token)
            paths[branch] = tuple(path)
        ends = _subtree_ends(parents)
        return cls(tuple(tokens), tuple(parents), tuple(depths), tuple(ends), len(trunk), tuple(paths))

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
            tokens=(*trunk, *self.tokens[own:]),
            parents=(*range(-1, len(trunk) - 1), *(parent + shift for parent in self.parents[own:])),
            depths=(*range(len(trunk)), *(depth + shift for depth in self.depths[own:])),
            ends=(*[len(self) + shift] * len(trunk), *(end + shift for end in self.ends[own:])),
            trunk_length=len(trunk),
            paths=tuple(tuple(node + shift for node in path) for path in self.paths),
        )


def _shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length


def _subtree_ends(parents: Sequence[int]) -> list[int]:
    ends = list(range(1, len(parents) + 1))
    for node in range(len(parents) - 1, 0, -1):
        ends[parents[node]] = max(ends[parents[node]], ends[node])
    return ends
