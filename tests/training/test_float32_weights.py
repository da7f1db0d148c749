"""Weights in bfloat16 that learn in steps too small for it."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import Qwen3Config, Qwen3ForCausalLM

from occpred.training.float32_weights import give_back, keep_in_float32

CPU = torch.device("cpu")


@pytest.fixture
def model() -> Qwen3ForCausalLM:
    """Small, with tied embeddings."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_key_value_heads": 1}
    config = Qwen3Config(vocab_size=32, num_hidden_layers=1, head_dim=8, tie_word_embeddings=True, **sizes)
    return Qwen3ForCausalLM(config).to(torch.bfloat16)


def logits(model: nn.Module) -> torch.Tensor:
    found: torch.Tensor = model(input_ids=torch.arange(8)[None]).logits
    return found


@pytest.mark.parametrize(("kept", "expected"), [(True, 0.9), (False, 1.0)])
def test_a_hundred_steps_of_a_thousandth_are_a_tenth(kept: bool, expected: float) -> None:
    layer = nn.Linear(1, 1, bias=False, dtype=torch.bfloat16)
    nn.init.ones_(layer.weight)
    if kept:
        keep_in_float32(layer, CPU)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1e-3)
    for _ in range(100):
        layer(torch.ones(1, 1, dtype=torch.bfloat16)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    give_back(layer)
    # Between 0.5 and 1 bfloat16 has steps of 1/256; those of a thousandth it rounds away.
    assert layer.weight.item() == torch.tensor(expected).bfloat16().item()


def test_the_model_computes_as_before_and_comes_back_as_it_was(model: Qwen3ForCausalLM) -> None:
    before, names = logits(model), [name for name, _ in model.named_parameters()]
    for _ in range(2):
        keep_in_float32(model, CPU)
        assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
        assert len(list(model.parameters())) == len(names), "tied weights count once"
        assert torch.equal(logits(model), before)
    logits(model).float().logsumexp(-1).sum().backward()
    assert {parameter.grad.dtype for parameter in model.parameters() if parameter.grad is not None} == {torch.float32}
    for _ in range(2):
        give_back(model)
        assert [name for name, _ in model.named_parameters()] == names
        assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
        assert model.lm_head.weight is model.model.embed_tokens.weight
        assert torch.equal(logits(model), before)


def test_what_is_frozen_or_in_float32_already_is_left_alone(model: Qwen3ForCausalLM) -> None:
    model.requires_grad_(False)
    adapter = nn.Linear(16, 2)
    whole = nn.ModuleList([model, adapter])
    before = {name: (parameter.dtype, id(parameter)) for name, parameter in whole.named_parameters()}
    keep_in_float32(whole, CPU)
    assert {name: (parameter.dtype, id(parameter)) for name, parameter in whole.named_parameters()} == before
