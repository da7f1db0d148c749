"""`kill -9` in the middle of training, and the same command again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.stages.conftest import SMALL

# Dropout makes every step depend on random numbers; a hundred steps leave time to be killed in.
LONG = [
    *SMALL,
    "optimizer.epochs=5",
    "lora.dropout=0.1",
    "trainer.checkpoint_every_steps=1",
    "trainer.rows_per_forward=1",
    "trainer.validate_every_steps=100",
]
WORKER = Path(__file__).with_name("train_worker.py")


def start(store: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(WORKER), *LONG, f"store={store}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def finish(store: Path) -> Path:
    process = start(store)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return Path(output.splitlines()[-1])


def kill_in_training(store: Path) -> None:
    process = start(store)
    deadline = time.monotonic() + 300
    while not list(store.glob("train/.*.partial/resume.ckpt")):
        assert process.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(random.uniform(0, 1))
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the training ended before it could be killed"


def test_a_killed_training_ends_as_if_it_had_not_been_killed(tmp_path: Path) -> None:
    whole = finish(tmp_path / "whole")
    for _ in range(2):
        kill_in_training(tmp_path / "killed")
    resumed = finish(tmp_path / "killed")
    assert resumed.name == whole.name
    for name in ("checkpoint/adapter_model.safetensors", "trajectory.jsonl", "training.json"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes(), name
