"""The contestants by name. What each needs is imported when it is its turn: its time to the first step is its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.meter import Meter, ceiling
from benchmarks.workload import Workload

Task = Callable[[Workload, Meter], dict[str, Any]]


def ours(**options: Any) -> Task:
    """Training with occpred."""

    def task(workload: Workload, meter: Meter) -> dict[str, Any]:
        from benchmarks.ours import train

        return train(workload, meter, **options)

    return task


def peer(name: str, *, on_gpu: dict[str, Any], on_cpu: dict[str, Any]) -> Task:
    """Training with the function `name` of `benchmarks.peers`, by the recipe for the device."""

    def task(workload: Workload, meter: Meter) -> dict[str, Any]:
        from benchmarks import torch_flash

        if meter.device.type == "cuda":
            torch_flash.install()
        from benchmarks import peers

        recipe = peers.Recipe(**(on_gpu if meter.device.type == "cuda" else on_cpu))
        train: Callable[[Workload, Meter, Any], dict[str, Any]] = getattr(peers, name)
        return train(workload, meter, recipe)

    return task


FLASH = {"attention": "flash_attention_2", "liger": True}
TASKS: dict[str, Task] = {
    "ceiling": lambda workload, meter: ceiling(meter.device),
    "occpred_sft": ours(),
    "occpred_sft_fp8": ours(base="fp8"),
    "trl_sft": peer(
        "trl_sft",
        on_gpu=FLASH | {"rows": 1, "packed": 11_264, "plain_adapters": True},
        on_cpu={"rows": 8},
    ),
    "trl_sft_other": peer(
        "trl_sft",
        on_gpu=FLASH | {"rows": 2, "packed": 8192, "checkpointing": True},
        on_cpu={"rows": 1, "packed": 512},
    ),
    "hf_trainer": peer(
        "hugging_face_sft", on_gpu={"rows": 8, "checkpointing": True}, on_cpu={"rows": 8, "checkpointing": True}
    ),
    "occpred_dpo": ours(pairs=True),
    "occpred_dpo_fp8": ours(pairs=True, base="fp8"),
    "trl_dpo": peer("trl_dpo", on_gpu=FLASH | {"rows": 3, "plain_adapters": True}, on_cpu={"rows": 8}),
    "occpred_sft_nf4": ours(base="nf4", checkpointing=True, row_length=16_384),
    "trl_sft_nf4": peer(
        "trl_sft",
        on_gpu=FLASH | {"rows": 2, "packed": 8192, "checkpointing": True, "quantised": True},
        on_cpu={"rows": 8, "checkpointing": True, "quantised": True},
    ),
}
COMPARED = {
    "occpred_sft": ("trl_sft", "trl_sft_other", "hf_trainer"),
    "occpred_sft_fp8": ("trl_sft", "trl_sft_other"),
    "occpred_sft_nf4": ("trl_sft_nf4",),
    "occpred_dpo": ("trl_dpo",),
    "occpred_dpo_fp8": ("trl_dpo",),
}
"""Whose rates are set against whose."""


def run(name: str, workload: Workload, meter: Meter) -> dict[str, Any]:
    """Measure one task in this process."""
    torch.manual_seed(0)
    return TASKS[name](workload, meter)
