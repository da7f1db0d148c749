"""Training that is told to stop, by real signals, or crashes, at every moment there is, and goes on to the same bits.

The model is the smallest that has dropout: where training stops and goes on does not depend on what is trained.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from occpred.interruption import Interrupted, heeded, postponed
from occpred.language_model.device import Accelerator
from occpred.models.tree_module import TreeModule
from occpred.tracking.csv_tracking import CsvTracking
from occpred.tracking.lightning_logger import TrackerLogger
from occpred.tracking.tracking import RunIdentity
from occpred.training.data import TreeDataModule
from occpred.training.optimizer import Optimizer
from occpred.training.resume import ResumePoint
from occpred.training.steps import OptimizerStep
from occpred.training.trainer import Trainer
from occpred.trees.packing import TreeBatch
from occpred.trees.token_tree import TokenTree

OPTIMIZER = Optimizer(learning_rate=1e-2, batch_size=3, epochs=2)
NUM_STEPS = 4
RUN = RunIdentity(name="run", group="group", job_type="train", id="0123456789abcdef")
Undisturbed = Callable[["Variant"], tuple["SmallModule", dict[str, Any]]]
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2)


@dataclass(frozen=True)
class Variant:
    """What may matter to where training can stop."""

    validate_every_steps: int = 2
    validation_examples: int = 1
    rows_per_forward: int = 1
    checkpoint_every_steps: int = 100
    num_workers: int = 0


class CrashError(Exception):
    """The end of a process, as far as a test inside one can make it."""


@dataclass(frozen=True)
class Stop:
    """What comes at a moment.

    Attributes:
        moment: its number among those of its name (among all, where it has none).
        name: what happens at that moment.
        by: the signal that comes, to all processes; a crash where it is `None`.
        kills_workers: whether they die of it.
    """

    moment: int
    name: str = ""
    by: signal.Signals | None = signal.SIGTERM
    kills_workers: bool = False

    def take_place(self) -> None:
        if self.by is None:
            raise CrashError
        for worker in multiprocessing.active_children():
            os.kill(worker.pid or 0, signal.SIGKILL if self.kills_workers else self.by)
        signal.raise_signal(self.by)

    @contextmanager
    def expected(self) -> Iterator[None]:
        with pytest.raises((Interrupted, KeyboardInterrupt, CrashError)) as ended:
            yield
        by = {Interrupted: getattr(ended.value, "number", None), KeyboardInterrupt: signal.SIGINT, CrashError: None}
        assert by[ended.type] == self.by


class SmallModule(TreeModule):
    """Predicts each token from its parent alone. Keeps a list of the moments of its life, and is sent a signal at one.

    Attributes:
        moments: their names.
    """

    def __init__(self, stop: Stop | None) -> None:
        torch.manual_seed(0)
        language_model = nn.Sequential(nn.Embedding(64, 4), nn.Dropout(0.3), nn.Linear(4, 64))
        super().__init__(language_model, OPTIMIZER, NUM_STEPS, seed=3)
        self.moments: list[str] = []
        self._stop = stop

    def pass_moment(self, name: str) -> None:
        assert signal.getsignal(signal.SIGTERM).__module__ == heeded.__module__, "Lightning took it"
        stop = self._stop
        if stop and stop.name in ("", name) and stop.moment == sum(stop.name in ("", each) for each in self.moments):
            stop.take_place()
        self.moments.append(name)

    def loss(self, batch: TreeBatch, step: OptimizerStep) -> Tensor:
        self.pass_moment("micro-batch")
        tokens_S = batch.tokens_BT.flatten()
        logits_NV = self.language_model(tokens_S[batch.parents_N])
        return cross_entropy(logits_NV, tokens_S[batch.scored_N], reduction="sum") / step.num_targets

    def validation_step(self, questions: list[int], batch_idx: int) -> None:
        self.pass_moment("validation")
        self._record({"validation/weight": float(next(self.parameters()).sum())})

    def on_fit_start(self) -> None:
        self.pass_moment("fit starts")

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        self.pass_moment("step starts")

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        self.pass_moment("optimizer")

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.pass_moment("step ends")

    def on_validation_start(self) -> None:
        self.pass_moment("validation starts")

    def on_validation_end(self) -> None:
        self.pass_moment("validation ends")

    def on_train_epoch_end(self) -> None:
        self.pass_moment("epoch ends")


def trees() -> list[TokenTree]:
    """Six trees of which a row of 16 tokens holds one or two, so that a step of three has two rows."""
    return [TokenTree.grow([7, *range(2 + i % 4)], [[(5 * i) % 60 + 1, i + 2, 63]]) for i in range(6)]


def train(folder: Path, variant: Variant, stop: Stop | None = None) -> SmallModule:
    """Train, or go on with it, as a stage does. Return what was trained so far."""
    module = SmallModule(stop)
    data = TreeDataModule(
        trees(),
        [0],
        batch_size=OPTIMIZER.batch_size,
        epochs=OPTIMIZER.epochs,
        seed=3,
        row_length=16,
        rows_per_forward=variant.rows_per_forward,
        num_workers=variant.num_workers,
    )
    trainer = Trainer(
        accelerator=Accelerator.cpu,
        row_length=16,
        validate_every_steps=variant.validate_every_steps,
        validation_examples=variant.validation_examples,
        checkpoint_every_steps=variant.checkpoint_every_steps,
        num_workers=variant.num_workers,
    )
    tracking = CsvTracking().open(RUN, {}, folder / "tracking")
    with (
        stop.expected() if stop else nullcontext(),
        heeded(signal.SIGTERM, signal.SIGUSR2),
        postponed(),
        tracking as tracker,
    ):
        trainer.fit(module, data, folder, TrackerLogger(tracker, RUN))
    assert not multiprocessing.active_children()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return module


def is_over(module: SmallModule) -> bool:
    return "epoch ends" in module.moments


def result(module: SmallModule, folder: Path) -> dict[str, Any]:
    """All that a training leaves: weights, what was logged, how many steps it took."""
    return {
        "weights": {name: value.tolist() for name, value in module.state_dict().items()},
        "trajectory": module.trajectory,
        "tracked": (folder / "tracking" / "metrics.csv").read_text(encoding="utf-8"),
        "global_step": module.global_step,
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Gives the training that nothing disturbs, and its result."""

    @cache
    def find(variant: Variant) -> tuple[SmallModule, dict[str, Any]]:
        folder = tmp_path_factory.mktemp("undisturbed")
        module = train(folder, variant)
        return module, result(module, folder)

    # With other workers or checkpoints it is the same.
    return lambda variant: find(replace(variant, num_workers=0, checkpoint_every_steps=100))


def test_stopped_once_at_each_moment(undisturbed: Undisturbed, tmp_path: Path) -> None:
    variant = Variant()
    whole, expected = undisturbed(variant)
    assert whole.moments.count("micro-batch") > NUM_STEPS == expected["global_step"]
    for moment, name in enumerate(whole.moments):
        folder = tmp_path / str(moment)
        module = train(folder, variant, Stop(moment, by=SIGNALS[moment % len(SIGNALS)]))
        if not is_over(module):
            assert (ResumePoint(folder / "resume.ckpt").find() is None) == (name == "fit starts")
            module = train(folder, variant)
        assert result(module, folder) == expected, (moment, name)


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("fit starts", Variant(checkpoint_every_steps=1)),
        ("step starts", Variant(validate_every_steps=100)),
        ("micro-batch", Variant(validation_examples=0)),
        ("optimizer", Variant(rows_per_forward=4, checkpoint_every_steps=2)),
        ("step ends", Variant(validate_every_steps=1)),
        ("validation", Variant(validate_every_steps=1)),
    ],
    ids=str,
)
def test_stopped_again_and_again(name: str, variant: Variant, undisturbed: Undisturbed, tmp_path: Path) -> None:
    """Each attempt is told to stop at its first such moment, and so gets one step further, if any."""
    _, expected = undisturbed(variant)
    for attempt in range(NUM_STEPS):
        module = train(tmp_path, variant, Stop(0, name, SIGNALS[attempt % len(SIGNALS)]))
        assert is_over(module) == (attempt == NUM_STEPS - 1 and name != "fit starts")
    if not is_over(module):
        module = train(tmp_path, variant)
    assert result(module, tmp_path) == expected


@pytest.mark.parametrize("checkpoint_every_steps", [1, 3])
def test_crashed_once_at_each_moment(checkpoint_every_steps: int, undisturbed: Undisturbed, tmp_path: Path) -> None:
    variant = Variant(checkpoint_every_steps=checkpoint_every_steps)
    whole, expected = undisturbed(variant)
    for moment, name in enumerate(whole.moments):
        if name in ("micro-batch", "validation"):
            folder = tmp_path / str(moment)
            train(folder, variant, Stop(moment, by=None))
            assert result(train(folder, variant), folder) == expected, (moment, name)


@pytest.mark.parametrize("number", SIGNALS)
def test_workers_serve_until_training_is_saved(
    number: signal.Signals, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    variant = Variant(num_workers=2)
    _, expected = undisturbed(variant)
    third_step = Stop(2, "step starts", number)  # by then both workers have served
    assert len(train(tmp_path, variant, third_step).trajectory) == 3 + 1
    assert result(train(tmp_path, variant), tmp_path) == expected


def test_a_worker_that_dies_of_the_stop_makes_no_failure_of_it(
    undisturbed: Undisturbed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    variant = Variant(num_workers=1, checkpoint_every_steps=1)
    _, expected = undisturbed(variant)
    train(tmp_path, variant, Stop(1, "step starts", kills_workers=True))
    assert "after being told to stop: DataLoader worker" in caplog.text
    assert result(train(tmp_path, variant), tmp_path) == expected
