from __future__ import annotations

from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occpred.training.data import TreeDataModule
from occpred.training.steps import PackedSteps, StepsFrom, plan_steps, plan_target_tokens
from occpred.trees.token_tree import TokenTree


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 3), st.integers(0, 5))
def test_every_epoch_sees_every_tree_once(num_trees: int, batch_size: int, epochs: int, seed: int) -> None:
    plan = plan_steps(num_trees, batch_size, epochs, seed)
    per_epoch = -(-num_trees // batch_size)
    assert len(plan) == epochs * per_epoch
    for epoch in range(epochs):
        steps = plan[epoch * per_epoch : (epoch + 1) * per_epoch]
        assert sorted(index for step in steps for index in step) == list(range(num_trees))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    plan = plan_steps(50, 50, epochs=2, seed=3)
    assert plan[0] != plan[1]
    assert plan_steps(50, 50, epochs=2, seed=3) == plan
    assert plan_steps(50, 50, epochs=1, seed=4)[0] != plan[0]


def test_a_budget_of_target_tokens_by_hand() -> None:
    # Five trees of 10 tokens in steps of 2, 2 and 1: an epoch has steps of 20, 20 and 10 tokens.
    passes = plan_steps(5, 2, epochs=3, seed=3)
    for budget, steps in ((1, 1), (20, 1), (21, 2), (40, 2), (41, 3), (50, 3), (51, 4), (120, 7), (121, 8)):
        assert plan_target_tokens([10] * 5, 2, budget, seed=3) == passes[:steps], budget


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(1, 5), st.integers(1, 300))
def test_a_budget_is_reached_and_exceeded_by_less_than_a_step(targets: list[int], batch_size: int, budget: int) -> None:
    plan = plan_target_tokens(targets, batch_size, budget, seed=3)
    spent = [sum(targets[index] for index in step) for step in plan]
    assert sum(spent[:-1]) < budget <= sum(spent)


def test_a_budget_without_trees_is_refused() -> None:
    with pytest.raises(ValueError, match="needs trees"):
        plan_target_tokens([], 2, 100, seed=3)


@pytest.mark.parametrize(("target_tokens", "num_steps"), [(None, 4), (7, 2), (80, 20)])
def test_a_budget_takes_the_place_of_epochs(target_tokens: int | None, num_steps: int) -> None:
    data = TreeDataModule[object](
        _trees([5, 5]),
        [],
        batch_size=1,
        epochs=2,
        seed=3,
        row_length=10,
        rows_per_forward=1,
        num_workers=0,
        target_tokens=target_tokens,
    )
    assert data.num_steps == num_steps


def _trees(lengths: list[int]) -> list[TokenTree]:
    return [TokenTree.grow([1], [list(range(2, 1 + length))]) for length in lengths]


@given(st.lists(st.integers(2, 10), min_size=1, max_size=12), st.integers(1, 4), st.integers(1, 3))
def test_ranks_share_a_step_without_loss(lengths: list[int], world_size: int, rows_per_forward: int) -> None:
    trees = _trees(lengths)
    ranks = [
        PackedSteps(trees, [list(range(len(trees)))], 10, rows_per_forward, rank, world_size)[0]
        for rank in range(world_size)
    ]
    targets = sum(length - 1 for length in lengths)
    assert sum(int(batch.lengths_K.sum()) for rank in ranks for batch in rank.batches) == targets
    assert {rank.num_targets for rank in ranks} == {targets}
    assert {rank.num_trees for rank in ranks} == {len(trees)}
    # An all-reduce waits for every rank, so all must have as many micro-batches.
    assert len({len(rank.batches) for rank in ranks}) == 1


@pytest.mark.parametrize(("references", "expected"), [(None, 7), ([[-1.0], [-2.0]], 8)])
def test_to_moves_every_tensor(references: list[list[float]] | None, expected: int) -> None:
    steps = PackedSteps(_trees([4, 6]), [[0, 1]], 10, 1, references=references)
    (batch,) = steps[0].to(torch.device("meta")).batches
    tensors = [value for value in vars(batch).values() if isinstance(value, torch.Tensor)]
    assert len(tensors) == expected
    assert all(tensor.is_meta for tensor in tensors)


@given(st.lists(st.integers(2, 10), min_size=1, max_size=12), st.integers(1, 4), st.integers(1, 3), st.randoms())
def test_references_stay_with_their_branches(
    lengths: list[int], world_size: int, rows_per_forward: int, random: Random
) -> None:
    """Branch b of tree t begins with token 10 t + b, and that is its reference too."""
    trees = [
        TokenTree.grow([1], [[10 * number + 1] * (length - 1), [10 * number]]) for number, length in enumerate(lengths)
    ]
    references = [[10.0 * number + 1, 10.0 * number] for number in range(len(trees))]
    plan = [random.sample(range(len(trees)), len(trees))]
    seen = []
    for rank in range(world_size):
        for batch in PackedSteps(trees, plan, 11, rows_per_forward, rank, world_size, references)[0].batches:
            assert batch.references_K is not None
            flat = batch.tokens_BT.flatten()[batch.scored_N][batch.path_nodes_M]
            firsts = [path[0].item() for path in flat.split(batch.lengths_K.tolist())]
            assert firsts == batch.references_K.tolist()
            seen += firsts
    assert sorted(seen) == sorted(reference for pair in references for reference in pair)


def test_a_resumed_sampler_keeps_its_length() -> None:
    sampler = StepsFrom(first=3, total=5)
    assert list(sampler) == [3, 4]
    assert len(sampler) == 5
