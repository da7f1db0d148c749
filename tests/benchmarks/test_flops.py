"""What training is taken to need, worked by hand, and as the figures that are quoted for Qwen3-8B."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from transformers import PreTrainedModel

from benchmarks.flops import Arithmetic
from benchmarks.meter import Work
from benchmarks.workload import RANK, WORKLOADS, Example

QWEN3_8B = Arithmetic(
    decoder=36 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 12288),
    output=4096 * 151_936,
    adapters=36 * RANK * (2 * (4096 + 4096) + 2 * (4096 + 1024) + 3 * (4096 + 12288)),
    attention=36 * 32 * 128,
)


def test_a_token_of_a_mean_example_needs_29_billion_operations() -> None:
    assert QWEN3_8B.training(900, [225]) / 1125 == pytest.approx(29.5e9, rel=0.01)


def test_each_part_is_counted_by_hand() -> None:
    # Three tokens, one of them learned; the causal triangle has 1 + 2 + 3 cells.
    assert Arithmetic(1, 0, 0, 0).training(2, [1]) == 4 * 3
    assert Arithmetic(0, 1, 0, 0).training(2, [1]) == 4 * 1
    assert Arithmetic(0, 0, 1, 0).training(2, [1]) == 6 * 3
    assert Arithmetic(0, 0, 0, 1).training(2, [1]) == 3 * 4 * 6


def test_a_prompt_is_needed_once_for_two_completions() -> None:
    # Each completion of 2 sees the prompt of 3, and itself: 2 x 3 + 3 cells, beside the prompt's own 6.
    assert Arithmetic(1, 0, 0, 0).training(3, [2, 2]) == 4 * 7
    assert Arithmetic(0, 0, 0, 1).training(3, [2, 2]) == 3 * 4 * (6 + 9 + 9)


def test_a_model_is_counted_by_its_layers(make_micro_qwen3: Callable[[], PreTrainedModel]) -> None:
    model = make_micro_qwen3()
    decoder = dict(model.get_decoder().named_parameters())
    matrices = [weight for name, weight in decoder.items() if weight.ndim == 2 and "embed" not in name]
    counted = Arithmetic.of(model, rank=2)
    assert counted.decoder == sum(weight.numel() for weight in matrices)
    assert counted.adapters == 2 * sum(sum(weight.shape) for weight in matrices)
    assert counted.output == model.get_output_embeddings().weight.numel()


def test_everyone_trains_on_the_same_examples() -> None:
    workload = WORKLOADS["tiny"]
    few, many = workload.examples(3, 2), workload.examples(8, 2)
    assert few == many[:3]
    assert all(100 <= len(example.prompt) <= 260 for example in many)


def test_work_adds_up() -> None:
    examples = [Example([1, 2], [[3]]), Example([1], [[2], [3, 4]])]
    assert Work.of(examples, Arithmetic(1, 0, 0, 0)) == Work(2, 7, 28)
