"""How much is computed for given trees, in numbers that do not depend on the machine: so that speed cannot rot unseen.

A row has 64 tokens, and of each micro-batch only whole tiles of 32 columns are computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedModel

from benchmarks.flops import Arithmetic
from occpred.language_model.adaptation import LoRA
from occpred.language_model.device import Accelerator
from occpred.models.objective import SupervisedLoss
from occpred.models.preference_loss import DPOLoss
from occpred.models.preference_module import PreferenceModule
from occpred.models.reference import reference_log_probs
from occpred.models.supervised_module import SupervisedModule
from occpred.training.data import TreeDataModule
from occpred.training.optimizer import Optimizer
from occpred.training.trainer import Trainer
from occpred.trees.token_tree import TokenTree

ROW_LENGTH, RANK = 64, 2
# Tokens of prompt and completion: 60 | 40 + 22 | 32 + 26 | 20 tokens in four rows.
PEOPLE = [(20, 6), (30, 10), (15, 5), (28, 4), (40, 20), (10, 12)]
# Prompt, and completions that begin with the same two tokens: 38 + 25 | 29 in two rows, where doubled prompts take 124.
PAIRS = [(20, 12, 8), (14, 6, 7), (18, 5, 8)]


@dataclass
class WorkDone:
    """What a language model was asked to compute."""

    forwards: list[int] = field(default_factory=list)
    """Tokens of each forward pass, unused ones included."""
    logits: int = 0
    """Rows of logits, each as wide as the vocabulary."""
    operations: int = 0
    """Of matrix products other than attention's, forward and backward."""


def product(total: list[int], left: list[int], right: list[int], *_: Any, **__: Any) -> int:
    """Operations of a product, from the shapes of its factors."""
    return 2 * left[0] * left[1] * right[1]


@contextmanager
def watched(model: Any) -> Iterator[WorkDone]:
    done = WorkDone()

    def note_forward(module: nn.Module, inputs: Any, output: Any) -> None:
        done.forwards.append(inputs[0].numel())

    def note_logits(module: nn.Module, inputs: Any, output: Any) -> None:
        done.logits += inputs[0].shape[0]

    hooks = [
        model.get_input_embeddings().register_forward_hook(note_forward),
        model.get_output_embeddings().register_forward_hook(note_logits),
    ]
    try:
        with FlopCounterMode(display=False, custom_mapping={torch.ops.aten.addmm_: product}) as counter:
            yield done
    finally:
        for hook in hooks:
            hook.remove()
    counted = counter.get_flop_counts()["Global"]
    done.operations = sum(count for operator, count in counted.items() if "attention" not in str(operator))


def tokens(count: int, seed: int) -> list[int]:
    return [(7 * seed + 3 * number) % 60 + 1 for number in range(count)]


def supervised() -> list[TokenTree]:
    return [
        TokenTree.grow(tokens(prompt, number), [tokens(completion, number + 9)])
        for number, (prompt, completion) in enumerate(PEOPLE)
    ]


def preferences() -> list[TokenTree]:
    return [
        TokenTree.grow(tokens(prompt, number), [[1, 2, 3, *tokens(chosen - 3, 5)], [1, 2, 4, *tokens(rejected - 3, 6)]])
        for number, (prompt, chosen, rejected) in enumerate(PAIRS)
    ]


def one_step(model: PreTrainedModel, trees: list[TokenTree], folder: Path, **data: Any) -> WorkDone:
    """The work of one optimizer step through Lightning, on all trees at once."""
    loaded: TreeDataModule[Any] = TreeDataModule(
        trees,
        [],
        batch_size=len(trees),
        epochs=1,
        seed=0,
        row_length=ROW_LENGTH,
        **{"rows_per_forward": 1, "num_workers": 0, **data},
    )
    adapted = LoRA(rank=RANK)(model, seed=0)
    optimizer = Optimizer(batch_size=len(trees), epochs=1)
    module = (
        PreferenceModule(adapted, DPOLoss(), optimizer, num_steps=1, seed=0, row_length=ROW_LENGTH)
        if "references" in data
        else SupervisedModule(adapted, SupervisedLoss(), optimizer, num_steps=1, seed=0)
    )
    trainer = Trainer(accelerator=Accelerator.cpu, row_length=ROW_LENGTH, validation_examples=0)
    with watched(model) as done:
        trainer.fit(module, loaded, folder, logger=None)
    return done


def test_sft_forwards_packed_rows_and_needs_logits_of_targets_only(
    micro_qwen3: PreTrainedModel, tmp_path: Path
) -> None:
    done = one_step(micro_qwen3, supervised(), tmp_path)
    used = sum(prompt + completion for prompt, completion in PEOPLE)
    assert (used, sorted(done.forwards)) == (200, [32, 64, 64, 64])
    assert 1 - used / sum(done.forwards) == pytest.approx(24 / 224)  # padding
    assert done.logits == sum(completion for _, completion in PEOPLE) == 57


def test_rows_of_a_micro_batch_are_as_wide_as_the_fullest(micro_qwen3: PreTrainedModel, tmp_path: Path) -> None:
    done = one_step(micro_qwen3, supervised(), tmp_path, rows_per_forward=4)
    assert done.forwards == [4 * 64]
    assert done.logits == 57


def test_dpo_forwards_a_prompt_and_a_common_beginning_once(micro_qwen3: PreTrainedModel, tmp_path: Path) -> None:
    trees = preferences()
    done = one_step(micro_qwen3, trees, tmp_path, references=[[-9.0, -9.0]] * len(trees))
    shared = 2
    assert list(map(len, trees)) == [prompt + chosen + rejected - shared for prompt, chosen, rejected in PAIRS]
    assert sorted(done.forwards) == [32, 64]
    assert done.logits == sum(chosen + rejected - shared for _, chosen, rejected in PAIRS) == 40


def after_the_last_attention(model: PreTrainedModel) -> Arithmetic:
    """What is needed for scored tokens only."""
    last = model.get_decoder().layers[-1]
    linear = [last.self_attn.o_proj, last.mlp.gate_proj, last.mlp.up_proj, last.mlp.down_proj]
    return Arithmetic(
        decoder=sum(layer.in_features * layer.out_features for layer in linear),
        output=model.get_output_embeddings().weight.numel(),
        adapters=RANK * sum(layer.in_features + layer.out_features for layer in linear),
        attention=0,
    )


def test_no_matrix_product_is_made_twice(micro_qwen3: PreTrainedModel, tmp_path: Path) -> None:
    """A frozen weight costs a product forward and one backward, an adapter's three; logits are never made again."""
    needed, late = Arithmetic.of(micro_qwen3, RANK), after_the_last_attention(micro_qwen3)
    done = one_step(micro_qwen3, supervised(), tmp_path)
    of_each_token = 4 * (needed.decoder - late.decoder) + 6 * (needed.adapters - late.adapters)
    of_scored_ones = 4 * (late.decoder + late.output) + 6 * late.adapters
    assert done.operations == of_each_token * sum(done.forwards) + of_scored_ones * done.logits


def test_references_forward_packed_rows(micro_qwen3: PreTrainedModel) -> None:
    trees = preferences()
    with watched(micro_qwen3) as done:
        reference_log_probs(micro_qwen3, trees, ROW_LENGTH, "reference")
    assert sorted(done.forwards) == [32, 64]
    assert done.logits == 40
    with watched(micro_qwen3) as alone:
        for tree in trees:
            reference_log_probs(micro_qwen3, [tree], ROW_LENGTH, "reference")
    assert len(alone.forwards) == 3
    assert sum(alone.forwards) > sum(done.forwards)


def test_references_need_no_gradient(micro_qwen3: PreTrainedModel) -> None:
    needed, late = Arithmetic.of(micro_qwen3, RANK), after_the_last_attention(micro_qwen3)
    with watched(micro_qwen3) as done, torch.enable_grad():
        reference_log_probs(micro_qwen3, preferences(), ROW_LENGTH, "reference")
    of_scored_ones = 2 * (late.decoder + late.output)
    assert done.operations == 2 * (needed.decoder - late.decoder) * sum(done.forwards) + of_scored_ones * done.logits
