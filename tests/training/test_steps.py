from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from occpred.training.steps import PackedSteps, StepsFrom, plan_steps
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
    assert sum(batch.num_targets for rank in ranks for batch in rank.batches) == targets
    assert {rank.num_targets for rank in ranks} == {targets}
    assert {rank.num_trees for rank in ranks} == {len(trees)}
    # An all-reduce waits for every rank, so all must have as many micro-batches.
    assert len({len(rank.batches) for rank in ranks}) == 1


def test_to_moves_every_tensor() -> None:
    step = PackedSteps(_trees([4, 6]), [[0, 1]], 10, 1)[0].to(torch.device("meta"))
    tensors = [value for batch in step.batches for value in vars(batch).values() if isinstance(value, torch.Tensor)]
    assert len(tensors) == 7
    assert all(tensor.is_meta for tensor in tensors)


def test_a_resumed_sampler_keeps_its_length() -> None:
    sampler = StepsFrom(first=3, total=5)
    assert list(sampler) == [3, 4]
    assert len(sampler) == 5
