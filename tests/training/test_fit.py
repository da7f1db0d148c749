"""Training through Lightning: by hand, against a plain loop, golden, accumulated, interrupted and resumed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from occpred.language_model.adaptation import LoRA
from occpred.language_model.device import Accelerator
from occpred.models.objective import SupervisedLoss
from occpred.models.tree_module import TreeModule
from occpred.records import CareerHistory, NextOccupationExample, Position
from occpred.training.data import TreeDataModule
from occpred.training.optimizer import Optimizer
from occpred.training.steps import OptimizerStep
from occpred.training.trainer import Trainer
from occpred.trees.log_probs import BranchLogProbs, branch_log_probs
from occpred.trees.packing import TreeBatch
from occpred.trees.token_tree import TokenTree

GOLDEN = Path(__file__).parents[1] / "golden" / "trajectory.json"
OPTIMIZER = Optimizer(learning_rate=1e-2, batch_size=4, epochs=2)
MakeModel = Callable[[], PreTrainedModel]


class CompletionModule(TreeModule):
    """Learns completions; counts validations instead of answering anything."""

    def loss(self, batch: TreeBatch, step: OptimizerStep) -> Tensor:
        return SupervisedLoss()(branch_log_probs(self.language_model, batch), step)

    def validation_step(self, examples: list[NextOccupationExample], batch_idx: int) -> None:
        self._record({"validation/examples": float(len(examples))})


def trees() -> list[TokenTree]:
    """Twelve trees of different lengths, one with two branches."""
    prompts = [[(7 * i + j) % 60 + 1 for j in range(3 + i % 4)] for i in range(12)]
    grown = [TokenTree.grow(prompt, [[(5 * i) % 60 + 1, i + 2, 63]]) for i, prompt in enumerate(prompts)]
    return [TokenTree.grow(prompts[0], [[4, 5, 63], [4, 9, 8, 63]]), *grown[1:]]


def validation() -> list[NextOccupationExample]:
    history = CareerHistory("p", (), (Position("a", "a"),))
    return [NextOccupationExample("p/1", "p", history, "b")]


def build(
    model: PreTrainedModel,
    *,
    dropout: float = 0.0,
    rows_per_forward: int = 4,
    kind: type[CompletionModule] = CompletionModule,
) -> tuple[CompletionModule, TreeDataModule]:
    data = TreeDataModule(
        trees(),
        validation(),
        batch_size=OPTIMIZER.batch_size,
        epochs=OPTIMIZER.epochs,
        seed=3,
        row_length=16,
        rows_per_forward=rows_per_forward,
        num_workers=0,
    )
    adapted = LoRA(rank=2, dropout=dropout)(model, seed=3)
    return kind(adapted, OPTIMIZER, data.num_steps, seed=3), data


def fit(module: CompletionModule, data: TreeDataModule, folder: Path, *, checkpoint_every_steps: int = 1) -> None:
    trainer = Trainer(
        accelerator=Accelerator.cpu,
        row_length=16,
        validate_every_steps=2,
        validation_examples=1,
        checkpoint_every_steps=checkpoint_every_steps,
    )
    trainer.fit(module, data, folder, logger=None)


def losses(module: TreeModule) -> list[float]:
    return [row["train/loss"] for row in module.trajectory if "train/loss" in row]


def trained_state(module: TreeModule) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in module.named_parameters() if value.requires_grad}


def test_the_objective_by_hand() -> None:
    # Two branches of log-probability log(1/2) and log(1/8) with 1 + 3 target tokens: (ln 2 + 3 ln 2) / 4 = ln 2.
    log_probs = BranchLogProbs(torch.zeros(4), torch.tensor([0.5, 0.125]).log())
    step = OptimizerStep(batches=(), num_targets=4, num_trees=2)
    torch.testing.assert_close(SupervisedLoss()(log_probs, step), torch.tensor(2.0).log())


def test_training_equals_a_plain_loop(make_micro: MakeModel, tmp_path: Path) -> None:
    """The plain loop: one unpacked sequence at a time, labels on the completion, Hugging Face's own loss."""
    module, data = build(make_micro())
    fit(module, data, tmp_path)
    expected, expected_losses = plain_loop(LoRA(rank=2)(make_micro(), seed=3), data)
    torch.testing.assert_close(torch.tensor(losses(module)), torch.tensor(expected_losses), rtol=1e-5, atol=1e-5)
    for name, value in trained_state(module).items():
        torch.testing.assert_close(value, expected[name.removeprefix("language_model.")], rtol=1e-3, atol=1e-4)


def plain_loop(model: torch.nn.Module, data: TreeDataModule) -> tuple[dict[str, Tensor], list[float]]:
    all_trees, losses = trees(), []
    trainable = {name: value for name, value in model.named_parameters() if value.requires_grad}
    optimizer = torch.optim.AdamW(trainable.values(), lr=OPTIMIZER.learning_rate, weight_decay=0.0)
    for number, step in enumerate(data.plan):
        sequences = [
            (list(tree.tokens[: tree.trunk_length]), [tree.tokens[node] for node in path])
            for tree in (all_trees[index] for index in step)
            for path in tree.paths
        ]
        total = sum(len(completion) for _, completion in sequences)
        loss = torch.zeros(())
        for prompt, completion in sequences:
            labels = torch.tensor([[-100] * len(prompt) + completion])
            loss += model(input_ids=torch.tensor([prompt + completion]), labels=labels).loss * len(completion) / total
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable.values(), 1.0)
        # Warm-up over round(0.1 x 6) = 1 step from zero, then half a cosine over the other five.
        factor = 0.5 * (1 + math.cos(math.pi * (number - 1) / 5)) if number else 0.0
        optimizer.param_groups[0]["lr"] = OPTIMIZER.learning_rate * factor
        optimizer.step()
        losses.append(loss.item())
    return {name: value.detach() for name, value in trainable.items()}, losses


def test_every_adapter_moves_and_nothing_else_does(micro_qwen3: PreTrainedModel, tmp_path: Path) -> None:
    module, data = build(micro_qwen3)
    before = {name: value.detach().clone() for name, value in module.named_parameters()}
    fit(module, data, tmp_path)
    moved = {name for name, value in module.named_parameters() if not torch.equal(value, before[name])}
    assert moved == set(trained_state(module))


def test_eight_rows_at_once_equal_eight_accumulated(make_micro_qwen3: MakeModel, tmp_path: Path) -> None:
    found = []
    for rows_per_forward in (8, 1):
        module, data = build(make_micro_qwen3(), rows_per_forward=rows_per_forward)
        fit(module, data, tmp_path / str(rows_per_forward))
        found.append(torch.tensor(losses(module)))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-6)


def test_golden_trajectory(micro_qwen3: PreTrainedModel, tmp_path: Path) -> None:
    """`make golden` writes the file anew; a change of it belongs into the commit that explains it."""
    module, data = build(micro_qwen3, dropout=0.1)
    fit(module, data, tmp_path)
    if os.environ.get("OCCPRED_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(module.trajectory, indent=1) + "\n", encoding="utf-8")
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert [row.keys() for row in module.trajectory] == [row.keys() for row in golden]
    for row, expected in zip(module.trajectory, golden, strict=True):
        assert row == pytest.approx(expected, rel=1e-4)


class StopError(Exception):
    """The end of a process, as far as a test inside one can make it."""


class InterruptedModule(CompletionModule):
    """Stops in the middle of a given step, or of a given validation."""

    stop_in_step = -1
    stop_in_validation = -1
    validations = 0

    def loss(self, batch: TreeBatch, step: OptimizerStep) -> Tensor:
        loss = super().loss(batch, step)
        if self.trainer.fit_loop.epoch_loop.batch_idx == self.stop_in_step:
            raise StopError
        return loss

    def validation_step(self, examples: list[NextOccupationExample], batch_idx: int) -> None:
        if self.validations == self.stop_in_validation:
            raise StopError
        self.validations += 1
        super().validation_step(examples, batch_idx)


@pytest.fixture(scope="module")
def whole(make_micro_qwen3: MakeModel, tmp_path_factory: pytest.TempPathFactory) -> TreeModule:
    """The training that nothing interrupts."""
    module, data = build(make_micro_qwen3(), dropout=0.1, rows_per_forward=1)
    fit(module, data, tmp_path_factory.mktemp("whole"))
    return module


@pytest.mark.parametrize("checkpoint_every_steps", [1, 2])
@pytest.mark.parametrize("stop", [{"stop_in_step": 3}, {"stop_in_validation": 1}], ids=str)
def test_resumed_equals_uninterrupted(
    whole: TreeModule, make_micro_qwen3: MakeModel, tmp_path: Path, stop: dict[str, int], checkpoint_every_steps: int
) -> None:
    """To the bit, with dropout, accumulation and validations. A smaller model is stopped at every moment."""
    interrupted, data = build(make_micro_qwen3(), dropout=0.1, rows_per_forward=1, kind=InterruptedModule)
    vars(interrupted).update(stop)
    with pytest.raises(StopError):
        fit(interrupted, data, tmp_path / "stopped", checkpoint_every_steps=checkpoint_every_steps)
    resumed, data = build(make_micro_qwen3(), dropout=0.1, rows_per_forward=1)
    fit(resumed, data, tmp_path / "stopped", checkpoint_every_steps=checkpoint_every_steps)

    assert resumed.trajectory == whole.trajectory
    for name, value in trained_state(whole).items():
        assert torch.equal(value, trained_state(resumed)[name]), name
    Trainer().forget(tmp_path / "stopped")
    assert not list((tmp_path / "stopped").glob("*.ckpt"))


def test_checkpoints_hold_only_what_is_trained(micro_qwen3: PreTrainedModel, tmp_path: Path) -> None:
    module, data = build(micro_qwen3, kind=InterruptedModule)
    vars(module).update(stop_in_step=3)
    with pytest.raises(StopError):
        fit(module, data, tmp_path)
    saved = torch.load(tmp_path / "resume.ckpt", weights_only=True)
    assert set(saved["state_dict"]) == set(trained_state(module))
