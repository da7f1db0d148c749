"""`kill -9` in the middle of training, and the same command again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.stages import train_worker
from tests.stages.conftest import SMALL

# Dropout makes every step depend on random numbers; sixty steps leave time to be killed in.
LONG = [
    *SMALL,
    "optimizer.epochs=3",
    "lora.dropout=0.1",
    "trainer.checkpoint_every_steps=1",
    "trainer.rows_per_forward=1",
    "trainer.validate_every_steps=100",
]


def train(store: Path) -> Path:
    return train_worker.train([*LONG, f"store={store}"])


def kill_in_training(store: Path) -> None:
    command = [sys.executable, train_worker.__file__, *LONG, f"store={store}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list(store.glob("train/.*.partial/resume.ckpt")):
        assert process.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(random.uniform(0, 0.5))
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the training ended before it could be killed"


def test_a_killed_training_ends_as_if_it_had_not_been_killed(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole")
    for _ in range(2):  # once there is a checkpoint, the second time before training goes on
        kill_in_training(tmp_path / "killed")
    resumed = train(tmp_path / "killed")
    assert resumed.name == whole.name
    for name in ("checkpoint/adapter_model.safetensors", "trajectory.jsonl", "training.json"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes(), name
