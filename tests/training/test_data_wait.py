"""What the waiting for data does to a training: it is told once, and the same steps come."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.loggers import Logger
from transformers import PreTrainedModel

from occpred.language_model.adaptation import LoRA
from occpred.language_model.device import Accelerator
from occpred.models.objective import SupervisedLoss
from occpred.models.supervised_module import SupervisedModule
from occpred.training import data_wait
from occpred.training.data import TreeDataModule
from occpred.training.data_wait import WatchedLoader
from occpred.training.optimizer import Optimizer
from occpred.training.resume import ResumeCheckpoint
from occpred.training.steps import PackedSteps, StepsFrom
from occpred.training.trainer import Trainer
from occpred.trees.token_tree import TokenTree

TREES = [TokenTree.grow([3, number + 1], [[5, 6, number + 2]]) for number in range(6)]


class Kept(Logger):
    """Keeps what it is given."""

    name, version = "kept", "0"

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[int | None, dict[str, float]]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.rows.append((step, metrics))

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None: ...


def fit(language_model: PreTrainedModel, folder: Path) -> tuple[SupervisedModule, Kept]:
    """Train for three steps, with a checkpoint between each two."""
    data: TreeDataModule[Any] = TreeDataModule(
        TREES, [], batch_size=2, epochs=1, seed=0, row_length=16, rows_per_forward=1, num_workers=0
    )
    model = LoRA(rank=2)(language_model, seed=0)
    module = SupervisedModule(model, SupervisedLoss(), Optimizer(batch_size=2, epochs=1), num_steps=3, seed=0)
    logger = Kept()
    trainer = Trainer(accelerator=Accelerator.cpu, row_length=16, validation_examples=0, checkpoint_every_steps=1)
    trainer.fit(module, data, folder, logger)
    return module, logger


def test_the_share_is_logged_once_and_belongs_to_no_step(micro_qwen3: PreTrainedModel, tmp_path: Path) -> None:
    module, logger = fit(micro_qwen3, tmp_path)
    shares = [(step, row) for step, row in logger.rows if "train/data_wait_share" in row]
    assert len(logger.rows) == 3 + 1
    assert [(step, list(row)) for step, row in shares] == [(None, ["train/data_wait_share"])]
    assert 0 < shares[0][1]["train/data_wait_share"] < 1
    assert not any("data_wait" in name for row in module.trajectory for name in row)


def test_checkpoints_are_neither_waiting_nor_computing(
    micro_qwen3: PreTrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that ticks when it is looked at, and a thousand times while a checkpoint is saved."""
    ticks, save = itertools.count(), ResumeCheckpoint._save

    def slowly(self: ResumeCheckpoint, trainer: L.Trainer) -> None:
        save(self, trainer)
        for _ in range(1000):
            next(ticks)

    monkeypatch.setattr(data_wait, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    monkeypatch.setattr(ResumeCheckpoint, "_save", slowly)
    _, logger = fit(micro_qwen3, tmp_path)
    assert next(ticks) > 2000
    # Each of three steps is waited for one tick long, and computed for another.
    assert logger.rows[-1] == (None, {"train/data_wait_share": 3 / (3 + 3)})


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_watched_loader_yields_every_step_and_notes_the_wait(num_workers: int) -> None:
    steps = PackedSteps(TREES, [[0, 1], [2, 3], [4, 5]], row_length=16, rows_per_forward=1)
    loader = WatchedLoader(steps, batch_size=None, sampler=StepsFrom(1, 3), num_workers=num_workers)
    found = [step.batches[0].tokens_BT for step in loader]
    expected = [steps[number].batches[0].tokens_BT for number in (1, 2)]
    assert all(map(torch.equal, found, expected))
    assert len(found) == 2
    assert loader.waited_seconds > 0


def test_workers_pack_for_a_gpu_only() -> None:
    assert Trainer(accelerator=Accelerator.cpu, num_workers=3).packing_processes == 0


@pytest.mark.gpu
def test_a_pinned_step_is_the_same_step() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    step = PackedSteps(TREES, [[0, 1]], row_length=16, rows_per_forward=1)[0]
    pinned = step.pin_memory()
    for given, found in zip(step.batches, pinned.batches, strict=True):
        assert found.tokens_BT.is_pinned()
        assert found.spans == given.spans
        assert torch.equal(found.tokens_BT, given.tokens_BT)
