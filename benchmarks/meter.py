"""How fast steps go by: medians over repeats of several steps, after a warm-up."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch

from benchmarks.flops import Arithmetic
from benchmarks.workload import Example


@dataclass(frozen=True)
class Work:
    """What a step was good for.

    Attributes:
        examples: people, or pairs.
        tokens: of prompts, each once, and of completions.
        operations: useful ones (see `benchmarks.flops`).
    """

    examples: int = 0
    tokens: int = 0
    operations: float = 0.0

    @classmethod
    def of(cls, examples: Iterable[Example], arithmetic: Arithmetic) -> Work:
        """What it is good for to learn these examples."""
        parts = [
            cls(
                1, example.tokens, arithmetic.training(len(example.prompt), [len(each) for each in example.completions])
            )
            for example in examples
        ]
        return sum(parts, cls())

    def __add__(self, other: Work) -> Work:
        return Work(self.examples + other.examples, self.tokens + other.tokens, self.operations + other.operations)


@dataclass(frozen=True)
class Schedule:
    """How many steps: to warm up, in each repeat, and how many repeats."""

    warm_up: int
    steps: int
    repeats: int

    @property
    def total(self) -> int:
        """All steps."""
        return self.warm_up + self.steps * self.repeats


@dataclass
class Meter:
    """Is told of each finished step. It waits for the device between repeats only, so steps may overlap as they like.

    Attributes:
        started: the time at which the process was started.
    """

    schedule: Schedule
    device: torch.device
    started: float
    _finished: int = 0
    _work: Work = Work()
    _since: float = 0.0
    _first_step: float = 0.0
    _repeats: list[tuple[float, Work]] = field(default_factory=list)

    def step_done(self, work: Work) -> None:
        """A step was finished, or at least handed to the device."""
        self._finished += 1
        self._work += work
        if self._finished == 1:
            self._wait()
            self._first_step = time.time() - self.started
        measured = self._finished - self.schedule.warm_up
        if measured < 0 or measured % self.schedule.steps:
            return
        self._wait()
        now = time.perf_counter()
        if measured:
            self._repeats.append((now - self._since, self._work))
        elif self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self._since, self._work = now, Work()

    def figures(self) -> dict[str, Any]:
        """Medians over the repeats, and what led to them."""
        per_second = [
            (work.tokens / seconds, work.examples / seconds, work.operations / seconds / 1e12)
            for seconds, work in self._repeats
        ]
        tokens, examples, tflops = (statistics.median(column) for column in zip(*per_second, strict=True))
        return {
            "tokens_per_second": round(tokens, 1),
            "examples_per_second": round(examples, 3),
            "tflops": round(tflops, 4),
            "peak_gib": round(self._peak_bytes() / 2**30, 2),
            "first_step_seconds": round(self._first_step, 1),
            "step_seconds": [round(seconds / self.schedule.steps, 4) for seconds, _ in self._repeats],
            "tokens_per_step": [round(work.tokens / self.schedule.steps) for _, work in self._repeats],
        }

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def _peak_bytes(self) -> int:
        """On a GPU that of its memory since the warm-up; elsewhere that of the process (Linux counts in KiB)."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def ceiling(device: torch.device, seconds: float = 1.0) -> dict[str, Any]:
    """The rate of large matrix products in the number format of training: what 100% is."""
    on_gpu = device.type == "cuda"
    size, dtype = (8192, torch.bfloat16) if on_gpu else (2048, torch.float32)
    rates = {}
    # A square, and a layer's up-projection over a row of tokens.
    for columns in (size, 3 * size // 2):
        left, right = (
            torch.randn(size, size, device=device, dtype=dtype),
            torch.randn(size, columns, device=device, dtype=dtype),
        )
        done, begun = 0, 0.0
        # The first round warms up.
        for limit in (seconds / 4, seconds):
            done, begun = 0, time.perf_counter()
            while time.perf_counter() - begun < limit:
                for _ in range(5):
                    left @ right
                if on_gpu:
                    torch.cuda.synchronize()
                done += 5
        rates[f"{size}x{size}x{columns}"] = 2 * size * size * columns * done / (time.perf_counter() - begun) / 1e12
    return {"tflops": round(max(rates.values()), 3), "of": {name: round(rate, 3) for name, rate in rates.items()}}
