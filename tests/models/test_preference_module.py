"""Training on preference pairs through Lightning."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from occpred.language_model.adaptation import LoRA
from occpred.language_model.device import Accelerator
from occpred.models.preference_loss import DPOLoss, IPOLoss, PreferenceLoss
from occpred.models.preference_module import HeldOutPair, PreferenceModule
from occpred.models.reference import reference_log_probs
from occpred.training.data import TreeDataModule
from occpred.training.optimizer import Optimizer
from occpred.training.steps import OptimizerStep, PackedSteps
from occpred.training.trainer import Trainer
from occpred.trees.packing import TreeBatch
from occpred.trees.token_tree import TokenTree

OPTIMIZER = Optimizer(learning_rate=1e-2, batch_size=4, epochs=1)
TRAINER = Trainer(accelerator=Accelerator.cpu, row_length=32, validation_examples=1, checkpoint_every_steps=1)
SEED = 3
LOG_2 = torch.tensor(2.0).log().item()
MakeModel = Callable[[], PreTrainedModel]
References = list[list[float]]


def pair_trees(numbers: range, *, swapped: bool = False) -> list[TokenTree]:
    """Pairs of different lengths with a rule to learn: chosen completions go on with 11, rejected ones with 12."""
    trees = []
    for i in numbers:
        prompt = [(7 * i + j) % 50 + 13 for j in range(2 + i % 4)]
        pair = [[9, 11, i % 9 + 1, 63], [9, 12, *[i % 7 + 1] * (1 + i % 3), 63]]
        trees.append(TokenTree.grow(prompt, pair[::-1] if swapped else pair))
    return trees


TREES, SWAPPED = pair_trees(range(12)), pair_trees(range(12), swapped=True)
HELD_OUT = pair_trees(range(12, 16))
# The length of rows that hold a pair each.
ALONE = max(map(len, TREES))
assert 2 * min(map(len, TREES)) > ALONE


def build(
    model: PreTrainedModel,
    loss: PreferenceLoss,
    *,
    trees: Sequence[TokenTree] = TREES,
    references: References | None = None,
    rows_per_forward: int = 4,
    row_length: int = 32,
    dropout: float = 0.0,
    kind: type[PreferenceModule] = PreferenceModule,
    optimizer: Optimizer = OPTIMIZER,
) -> tuple[PreferenceModule, TreeDataModule[HeldOutPair]]:
    """The module and data of a training whose reference is its start, `model` with new adapters."""
    policy = LoRA(rank=2, dropout=dropout)(model, seed=SEED)
    held_out = reference_log_probs(policy, HELD_OUT, row_length, "reference")
    data = TreeDataModule(
        trees,
        [HeldOutPair(tree, (chosen, rejected)) for tree, (chosen, rejected) in zip(HELD_OUT, held_out, strict=True)],
        batch_size=optimizer.batch_size,
        epochs=optimizer.epochs,
        seed=SEED,
        row_length=row_length,
        rows_per_forward=rows_per_forward,
        num_workers=0,
        references=references or reference_log_probs(policy, trees, row_length, "reference"),
    )
    return kind(policy, loss, optimizer, num_steps=data.num_steps, seed=SEED, row_length=row_length), data


def fit(
    module: PreferenceModule,
    data: TreeDataModule[HeldOutPair],
    folder: Path,
    *,
    validate_every_steps: int = 3,
    trainer: Trainer = TRAINER,
) -> None:
    replace(trainer, validate_every_steps=validate_every_steps).fit(module, data, folder, logger=None)


def logged(module: PreferenceModule, name: str) -> list[float]:
    return [row[name] for row in module.trajectory if name in row]


def trained_state(module: PreferenceModule) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.named_parameters() if value.requires_grad}


def first_step(model: PreTrainedModel, trainer: Trainer, folder: Path, **layout: int) -> PreferenceModule:
    """One optimizer step of a learning rate of 0, and a validation after it."""
    optimizer = Optimizer(batch_size=4, epochs=1, warmup_share=1.0)
    with trainer.autocast():
        module, data = build(model, DPOLoss(), trees=TREES[:4], optimizer=optimizer, **layout)
    fit(module, data, folder, validate_every_steps=1, trainer=trainer)
    return module


@pytest.mark.parametrize("autocast", [False, True])
def test_the_first_loss_is_log_2_exactly(micro_model: PreTrainedModel, tmp_path: Path, autocast: bool) -> None:
    """In rows of their own, pairs have the same shape in training as they had when their reference was computed."""
    module = first_step(
        micro_model, replace(TRAINER, autocast_bfloat16=autocast), tmp_path, row_length=ALONE, rows_per_forward=1
    )
    train, validation = module.trajectory
    assert train["train/loss"] == LOG_2
    assert train["train/reward_chosen"] == train["train/reward_rejected"] == train["train/reward_margin"] == 0
    assert train["train/kl_reference_to_policy"] == train["train/reward_accuracy"] == 0
    assert validation["validation/loss"] == LOG_2
    assert validation["validation/reward_margin"] == 0


def test_the_first_loss_is_log_2_in_packed_rows(micro_model: PreTrainedModel, tmp_path: Path) -> None:
    module = first_step(micro_model, TRAINER, tmp_path)
    assert logged(module, "train/loss")[0] == pytest.approx(LOG_2, abs=1e-6)


@pytest.mark.parametrize("loss", [DPOLoss(), IPOLoss()], ids=repr)
def test_margins_grow_on_trained_and_on_held_out_pairs(
    make_micro_qwen3: MakeModel, tmp_path: Path, loss: PreferenceLoss
) -> None:
    optimizer = Optimizer(learning_rate=1e-2, batch_size=4, epochs=2)
    right, data = build(make_micro_qwen3(), loss, optimizer=optimizer)
    fit(right, data, tmp_path / "right", validate_every_steps=6)
    wrong, data = build(make_micro_qwen3(), loss, trees=SWAPPED, optimizer=optimizer)
    fit(wrong, data, tmp_path / "wrong", validate_every_steps=6)
    for module in (right, wrong):
        assert logged(module, "train/reward_margin")[-1] > 0.1
        assert logged(module, "train/reward_accuracy")[-1] == 1
        assert logged(module, "train/loss")[-1] < logged(module, "train/loss")[0]
    assert logged(right, "validation/reward_margin")[-1] > 0.1
    assert logged(right, "validation/reward_accuracy")[-1] == 1
    assert logged(wrong, "validation/reward_margin")[-1] < -0.1
    assert logged(wrong, "validation/reward_accuracy")[-1] == 0


def test_a_training_moves_every_adapter_and_says_what_happened(micro_qwen3: PreTrainedModel, tmp_path: Path) -> None:
    module, data = build(micro_qwen3, DPOLoss())
    before = {name: value.detach().clone() for name, value in module.named_parameters()}
    fit(module, data, tmp_path)
    moved = {name for name, value in module.named_parameters() if not torch.equal(value, before[name])}
    assert moved == set(trained_state(module))
    assert len(moved) == 2 * 7 * 2

    names = {"loss", "reward_chosen", "reward_rejected", "reward_margin", "reward_accuracy"}
    names |= {"kl_reference_to_policy", "length_chosen", "length_rejected"}
    *steps, validation = module.trajectory
    assert set(validation) == {"step", *(f"validation/{name}" for name in names)}
    for number, row in enumerate(steps):
        assert set(row) == {"step", "train/learning_rate", *(f"train/{name}" for name in names)}
        paths = [TREES[index].paths for index in data.plan[number]]
        assert row["train/length_chosen"] == sum(len(chosen) for chosen, _ in paths) / 4
        assert row["train/length_rejected"] == sum(len(rejected) for _, rejected in paths) / 4
        rewards = row["train/reward_chosen"], row["train/reward_rejected"]
        assert row["train/reward_margin"] == pytest.approx(rewards[0] - rewards[1], abs=1e-6)
        assert row["train/kl_reference_to_policy"] == pytest.approx(-sum(rewards) / (2 * 0.1), abs=1e-5)


def test_eight_rows_at_once_equal_eight_accumulated(make_micro_qwen3: MakeModel, tmp_path: Path) -> None:
    optimizer = Optimizer(learning_rate=1e-3, batch_size=8, epochs=1)
    found = []
    for rows_per_forward in (8, 1):
        module, data = build(
            make_micro_qwen3(),
            DPOLoss(nll_weight=0.5),
            row_length=max(map(len, TREES)),
            rows_per_forward=rows_per_forward,
            optimizer=optimizer,
        )
        fit(module, data, tmp_path / str(rows_per_forward))
        found.append(module)
    for at_once, accumulated in zip(found[0].trajectory, found[1].trajectory, strict=True):
        assert accumulated == pytest.approx(at_once, rel=1e-4, abs=1e-5)
    for name, value in trained_state(found[0]).items():
        torch.testing.assert_close(trained_state(found[1])[name], value, rtol=1e-4, atol=1e-5)


def test_ranks_share_a_step_without_loss(micro_qwen3: PreTrainedModel) -> None:
    """Three ranks for two rows of pairs, so that one rank has none."""
    module, _ = build(micro_qwen3, DPOLoss(nll_weight=0.5))
    references = [[-30.0 - i, -31.0 - 2 * i] for i in range(len(TREES))]

    def share(rank: int, world_size: int) -> tuple[Tensor, list[Tensor]]:
        step = PackedSteps(TREES, [[0, 1, 2, 3]], 32, 4, rank, world_size, references)[0]
        loss = sum((module.loss(batch, step) for batch in step.batches), start=torch.zeros(()))
        return loss.detach(), list(torch.autograd.grad(loss, [p for p in module.parameters() if p.requires_grad]))

    whole, gradients = share(0, 1)
    shares = [share(rank, 3) for rank in range(3)]
    assert min(abs(loss.item()) for loss, _ in shares) == 0
    torch.testing.assert_close(sum(loss for loss, _ in shares), whole)
    for expected, *of_ranks in zip(gradients, *(own for _, own in shares), strict=True):
        torch.testing.assert_close(sum(of_ranks), expected, rtol=1e-4, atol=1e-6)


def test_a_live_reference_gives_the_same_trajectory_to_the_bit(make_micro_qwen3: MakeModel, tmp_path: Path) -> None:
    """Live: a frozen copy of the start says anew, at each step, what the stored numbers said once."""
    stored = reference_log_probs(LoRA(rank=2)(make_micro_qwen3(), seed=SEED), TREES, ALONE, "reference")
    read, data = build(make_micro_qwen3(), DPOLoss(), references=json.loads(json.dumps(stored)), rows_per_forward=1)
    fit(read, data, tmp_path / "read")

    live, data = build(make_micro_qwen3(), DPOLoss(), references=[[0.0, 0.0]] * 12, rows_per_forward=1, kind=Live)
    vars(live).update(frozen=[copy.deepcopy(live.language_model)], plan=data.plan)
    fit(live, data, tmp_path / "live")

    assert live.trajectory == read.trajectory
    for name, value in trained_state(read).items():
        assert torch.equal(trained_state(live)[name], value), name


class Live(PreferenceModule):
    """Replaces the reference log-probabilities of a step by those of a frozen model."""

    frozen: list[torch.nn.Module]  # In a list, where PyTorch does not take it for a part of the policy.
    plan: list[list[int]]

    def training_step(self, step: OptimizerStep, batch_idx: int) -> None:
        own = self.plan[batch_idx]
        trees = [TREES[index] for index in own]
        references = reference_log_probs(self.frozen[0], trees, ALONE, "live")
        super().training_step(PackedSteps(trees, [range(len(own))], 32, 1, references=references)[0], batch_idx)


class StopError(Exception):
    """The end of a process, as far as a test inside one can make it."""


class InterruptedModule(PreferenceModule):
    """Stops in the middle of a given step, or of a given validation."""

    stop_in_step = -1
    stop_in_validation = -1

    def loss(self, batch: TreeBatch, step: OptimizerStep) -> Tensor:
        loss = super().loss(batch, step)
        if len(logged(self, "train/loss")) == self.stop_in_step:
            raise StopError
        return loss

    def validation_step(self, held_out: list[HeldOutPair], batch_idx: int) -> None:
        if len(logged(self, "validation/loss")) == self.stop_in_validation:
            raise StopError
        super().validation_step(held_out, batch_idx)


def test_resumed_equals_uninterrupted(make_micro_qwen3: MakeModel, tmp_path: Path) -> None:
    """To the bit, with dropout, accumulation and validations; stopped once in a step and once in a validation."""
    whole, data = build(make_micro_qwen3(), DPOLoss(), dropout=0.1, rows_per_forward=1)
    fit(whole, data, tmp_path / "whole", validate_every_steps=1)
    for stop in ({"stop_in_step": 1}, {"stop_in_validation": 1}):
        interrupted, data = build(
            make_micro_qwen3(), DPOLoss(), dropout=0.1, rows_per_forward=1, kind=InterruptedModule
        )
        vars(interrupted).update(stop)
        with pytest.raises(StopError):
            fit(interrupted, data, tmp_path / "stopped", validate_every_steps=1)
    resumed, data = build(make_micro_qwen3(), DPOLoss(), dropout=0.1, rows_per_forward=1)
    fit(resumed, data, tmp_path / "stopped", validate_every_steps=1)
    assert resumed.trajectory == whole.trajectory
    for name, value in trained_state(whole).items():
        assert torch.equal(trained_state(resumed)[name], value), name


def test_pairs_without_references_are_refused(micro_qwen3: PreTrainedModel) -> None:
    module, data = build(micro_qwen3, DPOLoss())
    step = PackedSteps(TREES, data.plan, 32, 4)[0]
    with pytest.raises(ValueError, match="need the reference log-probabilities"):
        module.loss(step.batches[0], step)
