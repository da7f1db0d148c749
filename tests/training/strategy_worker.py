"""Trainings of small models under every strategy, for the process of a test and for several at its side."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor
from transformers import PreTrainedModel, Qwen3Config, Qwen3ForCausalLM

from occpred.distributed import ranks
from occpred.language_model import target_log_probs
from occpred.language_model.adaptation import Adaptation, FullFineTuning, LoRA
from occpred.models.objective import SupervisedLoss
from occpred.models.supervised_module import SupervisedModule
from occpred.training.data import TreeDataModule
from occpred.training.deepspeed_zero3 import DeepSpeedZero3
from occpred.training.fully_sharded import FullySharded
from occpred.training.optimizer import Optimizer
from occpred.training.steps import OptimizerStep
from occpred.training.strategy import DataParallel, Strategy
from occpred.training.trainer import Trainer
from occpred.trees.packing import TreeBatch
from occpred.trees.token_tree import TokenTree
from tests.training.deepspeed_on_cpu import ZeRO3OnCPU

ALONE, TOGETHER = "alone", "together"
OPTIMIZER = Optimizer(learning_rate=1e-2, batch_size=6, epochs=2)
ROW_LENGTH, SEED, STOP_IN_STEP = 16, 3, 4
LORA, FULL = LoRA(rank=2), FullFineTuning()


@dataclass(frozen=True)
class Case:
    """One training.

    Attributes:
        strategy: how it is shared.
        adaptation: what is trained.
        like: the case that says what comes of it.
        dtype: number format of the backbone. Embeddings are tied where all of it is trained.
    """

    strategy: Strategy
    adaptation: Adaptation
    like: str
    dtype: torch.dtype = torch.float32

    def model(self) -> PreTrainedModel:
        config = Qwen3Config(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=8,
            max_position_embeddings=256,
            tie_word_embeddings=self.adaptation == FULL,
        )
        torch.manual_seed(0)
        model = Qwen3ForCausalLM(config)
        for parameter in model.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.3)
        return model.to(self.dtype).requires_grad_(False).eval()


CASES = {
    "ddp, LoRA": Case(DataParallel(), LORA, like="ddp, LoRA"),
    "ddp, full": Case(DataParallel(), FULL, like="ddp, full"),
    "fsdp, LoRA": Case(FullySharded(), LORA, like="ddp, LoRA"),
    "fsdp, full": Case(FullySharded(checkpoint_activations=True), FULL, like="ddp, full"),
    "ddp, bfloat16": Case(DataParallel(), FULL, like="ddp, bfloat16", dtype=torch.bfloat16),
    "fsdp, bfloat16": Case(FullySharded(), FULL, like="ddp, bfloat16", dtype=torch.bfloat16),
}
if find_spec("deepspeed"):
    ZeRO3 = DeepSpeedZero3 if torch.cuda.is_available() else ZeRO3OnCPU
    CASES |= {
        "zero3, LoRA": Case(ZeRO3(), LORA, like="ddp, LoRA"),
        "zero3, full": Case(ZeRO3(checkpoint_activations=True), FULL, like="ddp, full"),
        "zero3, bfloat16": Case(ZeRO3(), FULL, like="ddp, bfloat16", dtype=torch.bfloat16),
    }


def trees() -> list[TokenTree]:
    """Thirteen of different lengths, so that the last step of an epoch has one row, and one process a row of none."""
    prompts = [[(7 * i + j) % 60 + 1 for j in range(3 + i % 4)] for i in range(13)]
    return [TokenTree.grow(prompt, [[(5 * i) % 60 + 1, i + 2, 63]]) for i, prompt in enumerate(prompts)]


class StopError(Exception):
    """The end of a training, in the middle of it."""


class StoppingModule(SupervisedModule):
    """Stops where it is told to."""

    stop_in_step: int | None = None

    def loss(self, batch: TreeBatch, step: OptimizerStep) -> Tensor:
        if self.trainer.fit_loop.epoch_loop.batch_idx == self.stop_in_step:
            raise StopError
        return super().loss(batch, step)


def fit(case: Case, folder: Path, *, stop_in_step: int | None = None) -> StoppingModule:
    """Train in `folder`, all processes of the job together."""
    data = TreeDataModule(
        trees(),
        trees()[:3],
        batch_size=OPTIMIZER.batch_size,
        epochs=OPTIMIZER.epochs,
        seed=SEED,
        row_length=ROW_LENGTH,
        rows_per_forward=1,
        num_workers=0,
    )
    language_model = case.adaptation(case.model(), seed=SEED)
    module = StoppingModule(language_model, SupervisedLoss(), OPTIMIZER, num_steps=data.num_steps, seed=SEED)
    module.strategy, module.stop_in_step = case.strategy, stop_in_step
    trainer = Trainer(
        devices=ranks.world_size(),
        strategy=case.strategy,
        row_length=ROW_LENGTH,
        validate_every_steps=2,
        validation_examples=3,
        checkpoint_every_steps=STOP_IN_STEP,
    )
    # Chunks so small that processes have different numbers of them.
    with patch.object(target_log_probs, "_CHUNK", 4):
        trainer.fit(module, data, folder, logger=None)
    return module


def train(case: Case, folder: Path) -> None:
    """Train, from where an earlier training in `folder` stopped; leave the trajectory and the checkpoint there."""
    module = fit(case, folder)
    if ranks.is_first():
        torch.save(module.trajectory, folder / "trajectory.pt")
        case.adaptation.save(module.language_model, folder / "checkpoint", module.trained_state)


def stop(case: Case, folder: Path) -> None:
    """Leave a training in `folder` that stopped in the middle."""
    try:
        fit(case, folder, stop_in_step=STOP_IN_STEP)
    except StopError:
        return
    raise AssertionError("was not stopped")


def train_together(folder: Path) -> None:
    """What several processes do: train whole, stop in the middle, go on from where one process has stopped."""
    for name, case in CASES.items():
        train(case, folder / TOGETHER / name)
        stop(case, folder / f"stopped {TOGETHER}" / name)
        train(case, folder / f"stopped {ALONE}" / name)
