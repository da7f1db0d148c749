"""Training on several GPUs through `Trainer.fit`: tokens a second, peak memory, and going on with another number.

Backbones have random weights, built on the GPU. Every person is a prompt of 900 tokens with a completion of 225. Each
part is a command of its own, so that no part finds the memory of another:

    python -m benchmarks.multi_gpu lora --processes 1
    python -m benchmarks.multi_gpu lora --processes 2
    python -m benchmarks.multi_gpu fsdp --processes 2
    python -m benchmarks.multi_gpu zero3 --processes 2
    python -m benchmarks.multi_gpu resume --processes 2

It prints one line of JSON. `--size tiny` runs on the CPU, to try the script out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from benchmarks.workload import QWEN3_8B
from occpred.distributed import ranks
from occpred.distributed.launch import ProcessError, together
from occpred.interruption import postponed
from occpred.language_model.adaptation import Adaptation, FullFineTuning, LoRA
from occpred.language_model.device import Accelerator
from occpred.models.objective import SupervisedLoss
from occpred.models.supervised_module import SupervisedModule
from occpred.training.data import TreeDataModule
from occpred.training.deepspeed_zero3 import DeepSpeedZero3
from occpred.training.fully_sharded import FullySharded
from occpred.training.optimizer import Optimizer
from occpred.training.steps import OptimizerStep
from occpred.training.strategy import DataParallel, Strategy
from occpred.training.trainer import Trainer
from occpred.trees.token_tree import TokenTree

LENGTHS = {"8b": (900, 225), "0.6b": (900, 225), "tiny": (40, 10)}
"""Tokens of a prompt and of its completion."""
WARM_UP, TIMED = 3, 8
SIZES: dict[str, dict[str, Any]] = {
    "8b": QWEN3_8B,
    "0.6b": QWEN3_8B
    | {
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "tie_word_embeddings": True,
    },
    "tiny": QWEN3_8B
    | {
        "head_dim": 16,
        "vocab_size": 512,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    },
}


@dataclass(frozen=True)
class Part:
    """One measurement."""

    adaptation: Adaptation
    strategy: Strategy
    size: str
    people_per_row: int
    rows_per_process: int
    precision: torch.dtype
    autocast: bool = False
    steps: int = WARM_UP + TIMED
    stop_at: int | None = None
    """The step before which the first process tells itself to stop."""


class TimedModule(SupervisedModule):
    """Notes when each step ends: by then its numbers have been read, so the GPU has nothing left to do."""

    ends: list[float]
    stop_at: int | None = None

    def training_step(self, step: OptimizerStep, batch_idx: int) -> None:
        if batch_idx == self.stop_at and ranks.rank() == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        super().training_step(step, batch_idx)
        self.ends.append(time.perf_counter())


def random_model(size: str, precision: torch.dtype, device: torch.device) -> PreTrainedModel:
    """The same random weights in all processes, drawn where they are needed."""
    config = AutoConfig.for_model("qwen3", **SIZES[size])
    torch.manual_seed(0)
    with device:
        model = AutoModelForCausalLM.from_config(config, dtype=precision, attn_implementation="sdpa")
    return model.requires_grad_(False).eval()


def people(count: int, size: str) -> list[TokenTree]:
    """So many prompts with a completion each, of random tokens."""
    prompt, completion = LENGTHS[size]
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randint(1, SIZES[size]["vocab_size"], (count, prompt + completion), generator=generator).tolist()
    return [TokenTree.grow(tokens[:prompt], [tokens[prompt:]]) for tokens in drawn]


def train(part: Part, devices: int, folder: Path) -> dict[str, Any]:
    """Train in this process, as one of `devices`; say how fast, with how much memory, and what the losses were."""
    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda" if on_gpu else "cpu")
    row_length = part.people_per_row * sum(LENGTHS[part.size])
    people_per_step = part.people_per_row * part.rows_per_process * devices
    data = TreeDataModule(
        people(people_per_step * part.steps, part.size),
        [],
        batch_size=people_per_step,
        epochs=1,
        seed=0,
        row_length=row_length,
        rows_per_forward=1,
        num_workers=0,
    )
    model = part.adaptation(random_model(part.size, part.precision, device), seed=0)
    optimizer = Optimizer(learning_rate=1e-4, batch_size=people_per_step, epochs=1)
    module = TimedModule(model, SupervisedLoss(), optimizer, num_steps=part.steps, seed=0)
    module.ends, module.stop_at, module.strategy = [], part.stop_at, part.strategy
    trainer = Trainer(
        accelerator=Accelerator.gpu if on_gpu else Accelerator.cpu,
        devices=devices,
        strategy=part.strategy,
        row_length=row_length,
        autocast_bfloat16=part.autocast,
        validation_examples=0,
        checkpoint_every_steps=1_000,
    )
    with postponed():  # told to stop, it saves before it does
        trainer.fit(module, data, folder, logger=None)
    seconds = [after - before for before, after in zip(module.ends, module.ends[1:], strict=False)][WARM_UP - 1 :]
    tokens = people_per_step * sum(LENGTHS[part.size])
    peak = torch.cuda.max_memory_allocated() if on_gpu else 0
    return {
        "tokens_per_second": round(tokens / statistics.median(seconds)) if seconds else None,
        "step_seconds": [round(each, 4) for each in seconds],
        "tokens_per_step": tokens,
        "peak_gib": round(max(ranks.gathered(peak)) / 2**30, 1),
        "losses": [row["train/loss"] for row in module.trajectory],
    }


def measure(part: Part, processes: int) -> dict[str, Any]:
    """Train in so many processes."""
    with tempfile.TemporaryDirectory() as folder:
        return together(processes, partial(train, part, processes, Path(folder)))


def stopped_and_gone_on_with(part: Part, processes: int) -> dict[str, Any]:
    """Stop a training on several processes half-way, go on with one, and compare with one that never stopped."""
    # One process alone must find the same people in each step.
    alone = replace(part, rows_per_process=part.rows_per_process * processes)
    with tempfile.TemporaryDirectory() as folder:
        try:
            together(processes, partial(train, replace(part, stop_at=part.steps // 2), processes, Path(folder)))
        except ProcessError:
            left = sorted(path.name for path in Path(folder).iterdir())
        else:
            raise RuntimeError("the training was told to stop and did not")
        resumed = together(1, partial(train, alone, 1, Path(folder)))["losses"]
    whole = measure(part, processes)["losses"]
    differences = [abs(ours - theirs) / abs(theirs) for ours, theirs in zip(resumed, whole, strict=True)]
    return {
        "left_by_the_stopped_run": left,
        "steps_before_the_stop": part.steps // 2 + 1,
        "losses_resumed": resumed,
        "losses_undisturbed": whole,
        "largest_relative_difference": max(differences),
    }


PARTS: dict[str, tuple[Callable[[Part, int], dict[str, Any]], Part]] = {
    "lora": (measure, Part(LoRA(rank=16), DataParallel(), "8b", 4, 2, torch.bfloat16)),
    "fsdp": (measure, Part(FullFineTuning(), FullySharded(), "8b", 2, 2, torch.bfloat16)),
    "zero3": (measure, Part(FullFineTuning(), DeepSpeedZero3(), "8b", 2, 2, torch.bfloat16, autocast=True)),
    "resume": (
        stopped_and_gone_on_with,
        Part(LoRA(rank=16), DataParallel(), "0.6b", 1, 2, torch.float32, steps=8),
    ),
    "resume-fsdp": (
        stopped_and_gone_on_with,
        Part(FullFineTuning(), FullySharded(), "0.6b", 1, 2, torch.float32, steps=8),
    ),
}


def main() -> None:
    """Measure one part and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--size", choices=SIZES, help="another backbone than the part's own")
    arguments = parser.parse_args()
    run, part = PARTS[arguments.part]
    if arguments.size:
        part = replace(part, size=arguments.size)
    result = run(part, arguments.processes)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    versions = {name: version(name) for name in ("torch", "lightning", "transformers", "peft")}
    about = {"part": arguments.part, "processes": arguments.processes, "size": part.size, "device": device}
    print(json.dumps(about | result | {"versions": versions}))


if __name__ == "__main__":
    main()
