from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from transformers import PreTrainedModel

from occpred.language_model.adaptation import BaseDtype, LoRA
from occpred.models.rounding_check import FirstLook
from occpred.trees.packing import collate
from occpred.trees.token_tree import TokenTree

BATCH = collate([[TokenTree.grow([5, 17, 3], [[1, 2, 9], [1, 4]]), TokenTree.grow([8], [[7, 7, 3]])]], 16)


def look(model: PreTrainedModel, base_dtype: BaseDtype) -> FirstLook:
    return FirstLook.of(LoRA(rank=4, base_dtype=base_dtype)(model, seed=0), BATCH)


def test_by_hand() -> None:
    exact = FirstLook(torch.tensor([-1.0, -2.0]), torch.tensor([1.0, 0.0]))
    rounded = FirstLook(torch.tensor([-1.5, -2.1]), torch.tensor([3.0, 4.0]))
    assert rounded.against(exact).summary() == pytest.approx(
        {
            "rounding_log_prob_shift": 0.3,
            "rounding_largest_log_prob_shift": 0.5,
            "rounding_gradient_cosine": 0.6,
        }
    )


def test_without_rounding_nothing_is_lost(make_micro: Callable[[], PreTrainedModel]) -> None:
    loss = look(make_micro(), BaseDtype.backbone).against(look(make_micro(), BaseDtype.backbone))
    assert loss.log_prob_shift == loss.largest_log_prob_shift == 0
    assert loss.gradient_cosine == pytest.approx(1)


def test_float8_loses_something_but_not_the_direction(make_micro: Callable[[], PreTrainedModel]) -> None:
    loss = look(make_micro(), BaseDtype.fp8).against(look(make_micro(), BaseDtype.backbone))
    assert 0 < loss.log_prob_shift <= loss.largest_log_prob_shift
    assert 0.8 < loss.gradient_cosine < 0.9999


def test_a_look_changes_nothing(make_micro_qwen3: Callable[[], PreTrainedModel]) -> None:
    model = LoRA(rank=4)(make_micro_qwen3(), seed=0)
    FirstLook.of(model, BATCH)
    assert all(parameter.grad is None for parameter in model.parameters())
