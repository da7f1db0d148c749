"""Log-probabilities of packed trees against plain Hugging Face, one branch at a time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor
from transformers import PreTrainedModel

from occpred.language_model import target_log_probs
from occpred.trees.log_probs import branch_log_probs
from occpred.trees.packing import TreeBatch, collate
from occpred.trees.token_tree import TokenTree

TRUNKS = [[5, 17, 3, 40], [8, 8], [61]]
BRANCHES = [[[1, 2, 3], [1, 2, 9, 10], [1], [30]], [[7, 7, 7]], [[11, 12], [13, 12]]]


def reference(model: torch.nn.Module, trunk: Sequence[int], branch: Sequence[int]) -> Tensor:
    """log p(branch | trunk) by the plain model on the plain sequence."""
    ids = torch.tensor([[*trunk, *branch]])
    log_probs_TV = model(input_ids=ids).logits[0].log_softmax(-1)
    first = len(trunk)
    return torch.stack([log_probs_TV[first + i - 1, token] for i, token in enumerate(branch)]).sum()


def all_references(model: torch.nn.Module) -> Tensor:
    return torch.stack(
        [reference(model, trunk, branch) for trunk, own in zip(TRUNKS, BRANCHES, strict=True) for branch in own]
    )


def packed() -> TreeBatch:
    trees = [TokenTree.grow(trunk, own) for trunk, own in zip(TRUNKS, BRANCHES, strict=True)]
    return collate([trees[:2], trees[2:]], row_length=24)


def with_adapters(model: PreTrainedModel) -> PeftModel:
    torch.manual_seed(1)
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"]))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return adapted


def test_trie_equals_branch_by_branch(micro_model: PreTrainedModel) -> None:
    with torch.no_grad():
        expected_K = all_references(micro_model)
        found = branch_log_probs(micro_model, packed())
    torch.testing.assert_close(found.branches_K, expected_K, rtol=1e-5, atol=1e-5)


def test_adapter_gradients_equal_those_of_the_plain_model(micro_model: PreTrainedModel) -> None:
    model = with_adapters(micro_model)
    weights_K = torch.linspace(-1, 1, 7)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    expected = torch.autograd.grad((all_references(model) * weights_K).sum(), trainable)
    found = torch.autograd.grad((branch_log_probs(model, packed()).branches_K * weights_K).sum(), trainable)
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours - theirs).norm() <= 1e-5 * theirs.norm()
    assert any(gradient.abs().max() > 1e-3 for gradient in expected)


def test_chunks_of_logits_change_nothing(micro_qwen3: PreTrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_K = branch_log_probs(micro_qwen3, packed()).branches_K
    monkeypatch.setattr(target_log_probs, "_CHUNK", 3)
    torch.testing.assert_close(branch_log_probs(micro_qwen3, packed()).branches_K, whole_K)


def test_only_branch_tokens_get_logits(micro_qwen3: PreTrainedModel) -> None:
    rows: list[int] = []
    hook = micro_qwen3.get_output_embeddings().register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    batch = packed()
    branch_log_probs(micro_qwen3, batch)
    hook.remove()
    # The shared beginning [1, 2] of the first tree's branches is scored once.
    assert sum(rows) == 3 + 2 + 1 + 3 + 4
