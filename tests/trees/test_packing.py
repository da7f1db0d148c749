from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occpred.trees.packing import collate, pack, row_width
from occpred.trees.token_tree import TokenTree


@given(st.lists(st.integers(1, 20), max_size=30))
def test_packing_loses_nothing_and_overfills_nothing(lengths: list[int]) -> None:
    rows = pack(lengths, row_length=20)
    assert sorted(item for row in rows for item in row) == list(range(len(lengths)))
    assert all(sum(lengths[item] for item in row) <= 20 for row in rows)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=30))
def test_two_rows_are_never_both_half_empty(lengths: list[int]) -> None:
    fills = [sum(lengths[item] for item in row) for row in pack(lengths, row_length=20)]
    assert sum(fill <= 10 for fill in fills) <= 1


def test_too_long_a_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="21 tokens does not fit into a row of 20"):
        pack([3, 21], row_length=20)


def test_branches_keep_their_tokens_through_packing() -> None:
    trees = [TokenTree.grow([9], [[1, 2], [1, 3]]), TokenTree.grow([8, 8], [[4]]), TokenTree.grow([7], [[5, 6]])]
    batch = collate([[trees[0], trees[1]], [trees[2]]], row_length=10)
    flat = batch.tokens_BT.flatten()[batch.scored_N]
    spelled = [flat[path].tolist() for path in batch.path_nodes_M.split(batch.lengths_K.tolist())]
    assert spelled == [[1, 2], [1, 3], [4], [5, 6]]
    assert batch.lengths_K.sum() == 7


def test_lengths_of_branches() -> None:
    trees = [TokenTree.grow([9], [[1, 2, 4], [1, 3]]), TokenTree.grow([8, 8], [[4]])]
    assert collate([trees, []], row_length=10).lengths_K.tolist() == [3, 2, 1]


@pytest.mark.parametrize(
    ("lengths", "width"), [([[]], 32), ([[5, 27]], 32), ([[5, 28]], 64), ([[5], [40, 25], []], 96)]
)
def test_rows_are_as_wide_as_the_fullest_in_whole_tiles(lengths: list[list[int]], width: int) -> None:
    rows = [[TokenTree.grow([1], [[2] * (length - 1)]) for length in row] for row in lengths]
    assert row_width(rows) == width


def test_a_row_without_trees_scores_nothing() -> None:
    batch = collate([[]], row_length=4)
    assert len(batch.lengths_K) == 0
    assert batch.scored_N.numel() == 0
    assert torch.equal(batch.ends_BT, torch.tensor([[1, 2, 3, 4]]))
