from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from occpred.language_model.adaptation import LoRA
from occpred.models.reference import reference_log_probs
from occpred.trees.token_tree import TokenTree

PAIRS = [
    ([5, 17, 3, 40], [1, 2, 3, 63], [1, 2, 9, 10, 63]),
    ([8, 8], [7, 63], [6, 63]),
    ([61] * 30, [*range(1, 40), 63], [*range(40, 1, -1), 63]),
]
TREES = [TokenTree.grow(prompt, [chosen, rejected]) for prompt, chosen, rejected in PAIRS]
# The first two share a row; the third is longer than a row.
ROW_LENGTH = 32


def with_adapters(model: PreTrainedModel, *, dropout: float = 0.0) -> nn.Module:
    adapted = LoRA(rank=2, dropout=dropout)(model, seed=0)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            nn.init.constant_(parameter, 0.05)
    return adapted


def plain_log_prob(model: PreTrainedModel, prompt: list[int], completion: list[int]) -> float:
    log_probs_TV = model(torch.tensor([prompt + completion])).logits[0].log_softmax(-1)
    return sum(log_probs_TV[len(prompt) + i - 1, token].item() for i, token in enumerate(completion))


def test_equals_the_plain_model_one_completion_at_a_time(micro_model: PreTrainedModel) -> None:
    found = reference_log_probs(micro_model, TREES, ROW_LENGTH, "reference")
    expected = [
        [plain_log_prob(micro_model, prompt, chosen), plain_log_prob(micro_model, prompt, rejected)]
        for prompt, chosen, rejected in PAIRS
    ]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=1e-5, atol=1e-5)


def test_neighbours_change_a_pair_in_rounding_only(make_micro: Callable[[], PreTrainedModel]) -> None:
    together = reference_log_probs(make_micro(), TREES, ROW_LENGTH, "reference")
    alone = [reference_log_probs(make_micro(), [tree], ROW_LENGTH, "reference")[0] for tree in TREES]
    torch.testing.assert_close(torch.tensor(alone), torch.tensor(together), rtol=1e-5, atol=1e-5)


def test_the_same_pairs_in_the_same_rows_are_the_same_to_the_bit(make_micro: Callable[[], PreTrainedModel]) -> None:
    together = reference_log_probs(make_micro(), TREES, ROW_LENGTH, "reference")
    assert reference_log_probs(make_micro(), TREES, ROW_LENGTH, "reference") == together
    # These have different lengths, so they are packed alike in whatever order they come.
    assert reference_log_probs(make_micro(), TREES[::-1], ROW_LENGTH, "reference") == together[::-1]


def test_dropout_is_off_and_adapters_are_on(make_micro_qwen3: Callable[[], PreTrainedModel]) -> None:
    """With the adapters off, the reference would be the backbone and not the fine-tuned model."""
    plain = reference_log_probs(make_micro_qwen3(), TREES, ROW_LENGTH, "reference")
    training = with_adapters(make_micro_qwen3(), dropout=0.5).train()
    found = reference_log_probs(training, TREES, ROW_LENGTH, "reference")
    assert found == reference_log_probs(with_adapters(make_micro_qwen3()), TREES, ROW_LENGTH, "reference")
    assert found != plain
    assert not training.training


def test_json_keeps_every_bit(micro_qwen3: PreTrainedModel) -> None:
    found = reference_log_probs(micro_qwen3, TREES, ROW_LENGTH, "reference")
    again = json.loads(json.dumps(found))
    assert again == found
    assert torch.equal(torch.tensor(again), torch.tensor(found))
    assert torch.tensor(found).double().tolist() == found


def test_a_bar_tells_how_far_it_is(micro_qwen3: PreTrainedModel, capsys: pytest.CaptureFixture[str]) -> None:
    reference_log_probs(micro_qwen3, TREES, ROW_LENGTH, "prefer")
    bar = capsys.readouterr().err
    assert "prefer" in bar
    assert "2/2" in bar
