"""Every way to attend to ancestors against the definition, pair by pair."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.attention.flex_attention import create_mask
from torch.nn.functional import scaled_dot_product_attention

from occpred.trees.attention import Chains, TreeByTree, ancestor_attention, block_mask
from occpred.trees.packing import TreeBatch, collate
from occpred.trees.token_tree import TokenTree

branches = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=60), min_size=1, max_size=4)
trees = st.builds(lambda trunk, own: TokenTree.grow([0] * trunk, own), st.integers(1, 200), branches)
rows = st.lists(st.lists(trees, max_size=3), min_size=1, max_size=2)


def ancestors_by_parents(batch: TreeBatch, grown: list[list[TokenTree]]) -> Tensor:
    """(B, T, T), followed up from child to parent; unused columns see themselves."""
    num_rows, length = batch.tokens_BT.shape
    mask_BTT = torch.eye(length, dtype=torch.bool).repeat(num_rows, 1, 1)
    for row, own in enumerate(grown):
        first = 0
        for tree in own:
            for node in range(1, len(tree)):
                mask_BTT[row, first + node] |= mask_BTT[row, first + tree.parents[node]]
            first += len(tree)
    return mask_BTT


def packed(grown: list[list[TokenTree]]) -> TreeBatch:
    return collate(grown, max(1, *(sum(map(len, own)) for own in grown)) + 7)


@given(rows)
@settings(max_examples=40)
def test_blocks_are_exactly_those_in_which_something_is_seen(grown: list[list[TokenTree]]) -> None:
    batch = packed(grown)
    expected_BTT = ancestors_by_parents(batch, grown)
    mask = block_mask(batch.ends_BT)
    num_rows, length = batch.tokens_BT.shape
    found = create_mask(mask.mask_mod, num_rows, 1, length, length, device="cpu")[:, 0]
    assert torch.equal(found, expected_BTT)
    padded = torch.nn.functional.pad(expected_BTT, (0, -length % 128, 0, -length % 128))
    blocks = padded.unflatten(1, (-1, 128)).unflatten(3, (-1, 128))
    assert torch.equal(mask.to_dense()[:, 0].bool(), blocks.any(dim=4).any(dim=2))
    full = torch.zeros(blocks.shape[0], blocks.shape[1], blocks.shape[3], dtype=torch.bool)
    assert mask.full_kv_num_blocks is not None
    assert mask.full_kv_indices is not None
    for row, query in torch.cartesian_prod(torch.arange(num_rows), torch.arange(full.shape[1])).tolist():
        full[row, query, mask.full_kv_indices[row, 0, query, : mask.full_kv_num_blocks[row, 0, query]].long()] = True
    assert torch.equal(full, blocks.all(dim=4).all(dim=2))


@given(rows)
@settings(max_examples=25)
def test_tree_by_tree_is_attention_under_the_dense_mask(grown: list[list[TokenTree]]) -> None:
    batch = packed(grown)
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(*batch.tokens_BT.shape, heads, 8, generator=generator) for heads in (4, 2, 2))
    heads_first = (each.transpose(1, 2) for each in (query, key, value))
    mask = ancestors_by_parents(batch, grown)[:, None]
    expected = scaled_dot_product_attention(*heads_first, attn_mask=mask, scale=0.3, enable_gqa=True).transpose(1, 2)
    found = ancestor_attention(batch, torch.float32)(query, key, value, 0.3)
    for span in batch.spans:
        of_tree = slice(span.first, span.end)
        torch.testing.assert_close(found.flatten(0, 1)[of_tree], expected.flatten(0, 1)[of_tree])


def test_without_any_tree_all_that_is_trained_takes_part() -> None:
    query, key, value = (torch.randn(1, 32, 2, 8, requires_grad=True) for _ in range(3))
    attention = ancestor_attention(collate([[]], 32), torch.float32)
    assert isinstance(attention, TreeByTree)
    gradients = torch.autograd.grad(attention(query, key, value, 1.0).sum(), (query, key, value), allow_unused=True)
    assert all(gradient is not None for gradient in gradients)


def test_documents_of_chains() -> None:
    grown = [[TokenTree.grow([5, 6], [[1]]), TokenTree.grow([7], [[2]])], [TokenTree.grow([8], [[3, 4, 5]])], []]
    chains = Chains.of(collate(grown, 7))
    assert chains.bounds_U.tolist() == [0, 3, 5, 7, 11, 14, 21]
    assert chains.longest == 8


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("branches", [[[1, 2, 3] * 40], [[1, 2, 3] * 40, [1, 5] * 30]], ids=["chains", "trees"])
def test_on_a_gpu_attention_is_that_of_the_cpu(dtype: torch.dtype, branches: list[list[int]]) -> None:
    batch = collate([[TokenTree.grow([7] * 100, branches), TokenTree.grow([9] * 70, branches)]], 512)
    torch.manual_seed(0)
    inputs = [torch.randn(1, 512, heads, 64, dtype=dtype) for heads in (8, 2, 2)]
    used = torch.zeros(1, 512, 1, 1)
    used[:, : batch.spans[-1].end] = 1

    def outcome(device: str, dtype: torch.dtype) -> list[Tensor]:
        there = [each.to(device, dtype).requires_grad_() for each in inputs]
        attended = ancestor_attention(batch.to(torch.device(device)), dtype)(*there, 0.125)
        weighed = (attended.float() * used.to(device)).sin()
        return [each.float().cpu() for each in (weighed, *torch.autograd.grad(weighed.sum(), there))]

    for ours, theirs in zip(outcome("cuda", dtype), outcome("cpu", torch.float32), strict=True):
        assert (ours - theirs).norm() < (2e-3 if dtype == torch.float32 else 1e-2) * theirs.norm()
