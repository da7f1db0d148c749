from __future__ import annotations

import doctest
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.trees import packing, token_tree
from occpred.trees.token_tree import TokenTree

tokens = st.integers(0, 3)
trunks = st.lists(tokens, min_size=1, max_size=5)
branch_lists = st.lists(st.lists(tokens, min_size=1, max_size=6), min_size=1, max_size=8)


@pytest.mark.parametrize("module", [token_tree, packing])
def test_docstrings_hold(module: object) -> None:
    results = doctest.testmod(module)  # type: ignore[arg-type]
    assert results.attempted > 0
    assert results.failed == 0


@given(trunks, branch_lists)
def test_every_branch_can_be_read_back_along_its_path(trunk: list[int], branches: list[list[int]]) -> None:
    tree = TokenTree.grow(trunk, branches)
    assert list(tree.tokens[: tree.trunk_length]) == trunk
    assert [[tree.tokens[node] for node in path] for path in tree.paths] == branches


@given(trunks, branch_lists)
def test_the_subtree_run_says_exactly_who_is_an_ancestor(trunk: list[int], branches: list[list[int]]) -> None:
    tree = TokenTree.grow(trunk, branches)
    for node in range(len(tree)):
        ancestors, current = {node}, node
        while (current := tree.parents[current]) >= 0:
            ancestors.add(current)
        by_run = {other for other in range(len(tree)) if other <= node < tree.ends[other]}
        assert by_run == ancestors
        assert tree.depths[node] == len(ancestors) - 1


@given(trunks, branch_lists)
def test_shared_beginnings_are_stored_once(trunk: list[int], branches: list[list[int]]) -> None:
    tree = TokenTree.grow(trunk, branches)
    prefixes = {tuple(branch[:length]) for branch in branches for length in range(1, len(branch) + 1)}
    assert len(tree) == len(trunk) + len(prefixes)


@given(trunks, trunks, branch_lists)
def test_a_tree_moved_is_the_tree_grown(trunk: list[int], other: list[int], branches: list[list[int]]) -> None:
    assert TokenTree.grow(other, branches).behind(trunk) == TokenTree.grow(trunk, branches)


def test_no_tree_stands_behind_nothing() -> None:
    with pytest.raises(ValueError, match="needs a trunk"):
        TokenTree.grow([1], [[2]]).behind([])


@pytest.mark.parametrize(("trunk", "branches"), [([], [[1]]), ([1], []), ([1], [[2], []])])
def test_an_empty_part_is_refused(trunk: list[int], branches: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="none of them empty"):
        TokenTree.grow(trunk, branches)


def test_targets_count_once_for_each_branch() -> None:
    assert TokenTree.grow([9, 9], [[1, 2, 3], [1, 2]]).num_targets == 5


def test_a_tree_in_memory_is_two_small_integers_a_token() -> None:
    """All trees of a training lie in memory: a hundred thousand people of 1,125 tokens take 1 GB, not 10."""
    tree = TokenTree.grow(list(range(900)), [list(range(225))])
    assert sum(map(sys.getsizeof, (tree.tokens, tree.depths))) < 2 * (4 * len(tree) * 9 / 8 + 100)
