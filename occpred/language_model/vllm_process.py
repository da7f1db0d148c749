"""The process in which vLLM writes. It imports vLLM, which would change much in a process that has other work as well.

Source: vLLM's documentation of offline inference and of its environment variables.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occpred.interruption import left_to_parent
from occpred.language_model.backbone import Precision
from occpred.language_model.generation import Generation
from occpred.language_model.vllm_engine import VllmEngine

if TYPE_CHECKING:
    from vllm import LLM

_SEED_BITS = 63
"""vLLM keeps seeds in signed numbers of 64 bits."""
_ENVIRONMENT = {
    # Nothing is sent to anybody, and nothing fetched.
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    # In this process itself, so that nothing outlives it, and which texts are computed together is no matter of time.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}
_VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Task:
    """What to write, by which model.

    Attributes:
        engine: how vLLM is set up.
        folder: a plain Hugging Face folder.
        precision: the number format to compute in.
        device_type: `cuda` or `cpu`, by torch's names.
        device_number: which of the GPUs that the parent sees.
        generation: how texts are drawn.
        prompts: token ids by number; a sample depends on the prompt, on its number and on the seed.
        room: tokens of the longest prompt and of what may follow it.
        stop: the text that ends a text.
        stage: what the work is called.
        shows_progress: whether to show a bar.
    """

    engine: VllmEngine
    folder: Path
    precision: Precision
    device_type: str
    device_number: int
    generation: Generation
    prompts: Mapping[int, list[int]]
    room: int
    stop: str
    stage: str
    shows_progress: bool


@dataclass(frozen=True)
class Refusal:
    """Why a task cannot be carried out as it was asked, in one line."""

    why: str


def carry_out(task: Task, sender: Connection) -> None:
    """Send the token ids that were written for each prompt, in their order; or a `Refusal`."""
    left_to_parent()
    threading.Thread(target=_end_with_parent, name="watch over the parent", daemon=True).start()
    os.environ.update(_ENVIRONMENT)
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    if task.device_type == "cuda":
        os.environ[_VISIBLE] = _own_device(task.device_number)
    try:
        model = _load(task)
    except ValueError as error:  # by which vLLM refuses settings
        sender.send(Refusal(" ".join(str(error).split())))
    else:
        sender.send(_write(model, task))


def _load(task: Task) -> LLM:
    from vllm import LLM
    from vllm.platforms import current_platform

    if current_platform.device_type != task.device_type:
        raise ValueError(
            f"this installation of vLLM computes on {current_platform.device_type or 'no device of this machine'}, "
            f"and trainer.accelerator asks for {task.device_type}"
        )
    return LLM(
        str(task.folder),
        dtype=task.precision.value,
        max_model_len=task.room,
        gpu_memory_utilization=task.engine.memory,
        enforce_eager=not task.engine.compiled,
        # Where a prompt is read in parts, a draw is made after each and taken back, which vLLM 0.32 cannot on a CPU.
        enable_chunked_prefill=None if task.device_type == "cuda" else False,
        use_tqdm_on_load=False,
    )


def _write(model: LLM, task: Task) -> list[list[int]]:
    from vllm import SamplingParams

    generation = task.generation
    sampling = [
        SamplingParams(
            max_tokens=generation.max_new_tokens,
            temperature=generation.temperature,
            seed=_seed(generation.seed, number),
            stop=[task.stop],
            include_stop_str_in_output=True,
        )
        for number in task.prompts
    ]
    prompts = [{"prompt_token_ids": ids} for ids in task.prompts.values()]
    replies = model.generate(prompts, sampling, use_tqdm=partial(_bar, task.stage) if task.shows_progress else False)
    return [list(reply.outputs[0].token_ids) for reply in replies]


def _seed(seed: int, number: int) -> int:
    """A seed of its own for each prompt."""
    import numpy as np

    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0]) >> (64 - _SEED_BITS)


def _bar(stage: str, *items: Any, **settings: Any) -> Any:
    """A bar of vLLM's, which tells how fast it reads and writes, under the stage's name."""
    from tqdm import tqdm

    return tqdm(*items, **{**settings, "desc": f"{stage:<10}"})


def _own_device(number: int) -> str:
    visible = os.environ.get(_VISIBLE)
    return visible.split(",")[number] if visible else str(number)


def _end_with_parent() -> None:
    """Without a parent there is nobody to write for, and the device is wanted by others."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)
