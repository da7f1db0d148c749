"""Training with occpred, through `Trainer.fit`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.flops import Arithmetic
from benchmarks.meter import Meter, Work
from benchmarks.workload import ALPHA, RANK, TARGETS, Workload
from occpred.language_model.adaptation import BaseDtype, LoRA
from occpred.language_model.device import Accelerator
from occpred.models.objective import SupervisedLoss
from occpred.models.preference_loss import DPOLoss
from occpred.models.preference_module import PreferenceModule
from occpred.models.supervised_module import SupervisedModule
from occpred.models.tree_module import TreeModule
from occpred.training.data import TreeDataModule
from occpred.training.optimizer import Optimizer
from occpred.training.steps import OptimizerStep
from occpred.training.strategy import DataParallel
from occpred.training.trainer import Trainer
from occpred.trees.token_tree import TokenTree


class Timed(TreeModule):
    """Says when a step is done."""

    on_step_done: Callable[[int], None]

    def training_step(self, step: OptimizerStep, batch_idx: int) -> None:
        super().training_step(step, batch_idx)
        self.on_step_done(batch_idx)


class TimedSupervised(Timed, SupervisedModule):
    """SFT."""


class TimedPreference(Timed, PreferenceModule):
    """DPO."""


def train(
    workload: Workload,
    meter: Meter,
    *,
    pairs: bool = False,
    base: str = "backbone",
    checkpointing: bool = False,
    row_length: int | None = None,
) -> dict[str, Any]:
    """Fine-tune adapters on examples, or on pairs with stored references, over frozen weights in the format `base`.

    Rows have the workload's length unless another one is given.
    """
    row_length = row_length or workload.row_length
    per_step = workload.pairs_per_step if pairs else workload.examples_per_step
    examples = workload.examples(per_step * meter.schedule.total, completions=2 if pairs else 1)
    model = workload.model(meter.device, "sdpa")
    arithmetic = Arithmetic.of(model, RANK)
    references = [[workload.log_prob(each) for each in example.completions] for example in examples]
    data = TreeDataModule[Any](
        [TokenTree.grow(example.prompt, example.completions) for example in examples],
        [],
        batch_size=per_step,
        epochs=1,
        seed=0,
        row_length=row_length,
        rows_per_forward=1,
        num_workers=0,
        references=references if pairs else None,
    )
    adapted = LoRA(rank=RANK, alpha=ALPHA, targets=TARGETS, base_dtype=BaseDtype[base])(model, seed=0)
    optimizer = Optimizer(learning_rate=1e-4, batch_size=per_step, epochs=1)
    module: Timed = (
        TimedPreference(adapted, DPOLoss(), optimizer, num_steps=data.num_steps, seed=0, row_length=row_length)
        if pairs
        else TimedSupervised(adapted, SupervisedLoss(), optimizer, num_steps=data.num_steps, seed=0)
    )
    module.on_step_done = lambda step: meter.step_done(
        Work.of([examples[index] for index in data.plan[step]], arithmetic)
    )
    strategy = DataParallel(checkpoint_activations=checkpointing)
    module.strategy = strategy
    trainer = Trainer(
        accelerator=Accelerator.gpu if meter.device.type == "cuda" else Accelerator.cpu,
        strategy=strategy,
        row_length=row_length,
        validation_examples=0,
        checkpoint_every_steps=1_000_000,
    )
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        trainer.fit(module, data, Path(folder), logger=None)
    losses = [row["train/loss"] for row in module.trajectory]
    return {**meter.figures(), "first_loss": losses[0], "last_loss": losses[-1]}
