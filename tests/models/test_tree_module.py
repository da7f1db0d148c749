"""What all trained models share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor, nn
from transformers import PreTrainedModel

from occpred.language_model.adaptation import FullFineTuning, LoRA
from occpred.language_model.device import Accelerator
from occpred.models.objective import SupervisedLoss
from occpred.models.supervised_module import SupervisedModule
from occpred.training.data import TreeDataModule
from occpred.training.optimizer import Optimizer
from occpred.training.steps import PackedSteps
from occpred.training.strategy import DataParallel
from occpred.training.trainer import Trainer
from occpred.trees.token_tree import TokenTree

OPTIMIZER = Optimizer(learning_rate=1e-2, batch_size=2, epochs=1)
TREES = [TokenTree.grow([5, i + 1, 9], [[i + 20, 63]]) for i in range(4)]


def build(model: nn.Module) -> tuple[SupervisedModule, TreeDataModule[TokenTree]]:
    data: TreeDataModule[TokenTree] = TreeDataModule(
        TREES, [], batch_size=2, epochs=1, seed=0, row_length=8, rows_per_forward=1, num_workers=0
    )
    return SupervisedModule(model, SupervisedLoss(), OPTIMIZER, num_steps=data.num_steps, seed=0), data


def test_a_row_without_a_tree_gives_every_trained_parameter_a_gradient_of_zero(micro_model: PreTrainedModel) -> None:
    """So processes with nothing to do take part in every exchange of gradients, with no search for unused ones."""
    module, _ = build(LoRA(rank=2)(micro_model, seed=0))
    empty = PackedSteps(TREES, [[0]], row_length=8, rows_per_forward=1, rank=1, world_size=2)[0]
    (batch,) = empty.batches
    assert len(batch.lengths_K) == 0
    loss = module(batch, empty)
    loss.backward()
    gradients = [parameter.grad for parameter in module.parameters() if parameter.requires_grad]
    assert loss.item() == 0
    assert all(gradient is not None and not gradient.any() for gradient in gradients)


def inputs_of(layer: nn.Module) -> list[Tensor]:
    """A list that gets longer each time `layer` begins to compute."""
    inputs: list[Tensor] = []
    layer.register_forward_pre_hook(lambda module, arguments: inputs.append(arguments[0].detach()))
    return inputs


def test_activations_are_computed_again_and_nothing_else_changes(
    make_micro_qwen3: Callable[[], PreTrainedModel], tmp_path: Path
) -> None:
    found = []
    for checkpoint_activations in (False, True):
        model = make_micro_qwen3()
        inputs = inputs_of(model.get_decoder().layers[0].mlp.gate_proj)
        module, data = build(FullFineTuning()(model, seed=0))
        module.strategy = DataParallel(checkpoint_activations=checkpoint_activations)
        trainer = Trainer(accelerator=Accelerator.cpu, row_length=8, validation_examples=0, strategy=module.strategy)
        trainer.fit(module, data, tmp_path / str(checkpoint_activations), None)
        found.append((len(inputs), module.trajectory))
    (kept, trajectory), (computed_again, same_trajectory) = found
    assert computed_again == 2 * kept > 0
    assert same_trajectory == trajectory


def test_each_process_drops_other_inputs(
    make_micro_qwen3: Callable[[], PreTrainedModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was dropped by all of them at the same places of their rows would be noise that does not average out."""

    def losses(rank: int) -> list[float]:
        monkeypatch.setattr(SupervisedModule, "global_rank", rank)
        module, data = build(LoRA(rank=2, dropout=0.5)(make_micro_qwen3(), seed=0))
        trainer = Trainer(accelerator=Accelerator.cpu, row_length=8, validation_examples=0)
        trainer.fit(module, data, tmp_path / "checkpoints", None)
        return [row["train/loss"] for row in module.trajectory]

    first, again, second = losses(0), losses(0), losses(1)
    assert again == first
    assert second[-1] != first[-1]
