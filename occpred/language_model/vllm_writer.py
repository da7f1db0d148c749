"""Letting vLLM write."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from occpred.distributed import ranks
from occpred.errors import UserError
from occpred.language_model.backbone import Precision
from occpred.language_model.generation import Generation
from occpred.language_model.vllm_engine import VllmEngine
from occpred.language_model.vllm_process import Refusal, Task, carry_out

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

_TIME_TO_END = 10.0
"""Seconds that vLLM has to clean up after itself."""


@dataclass(frozen=True)
class VllmWriter:
    """A plain model folder, from which each call starts vLLM in a process of its own.

    With that process ends all that it held of the device: what comes next finds it free.
    """

    engine: VllmEngine
    folder: Path
    """Weights without adapters, config and tokenizer, as `transformers` writes them."""
    precision: Precision
    """Number format to compute in."""
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    """Where to write."""

    def __call__(
        self, generation: Generation, prompts: Sequence[Sequence[int]], /, *, stop: str, stage: str
    ) -> list[str]:
        """See `Writer`.

        Raises:
            UserError: vLLM is not installed, or refuses the model or the memory; a prompt leaves too little room.
        """
        self.engine.check()
        room = max(map(len, prompts), default=0) + generation.max_new_tokens
        self._check_room(room)
        num_processes = ranks.world_size()
        shares = [range(first, len(prompts), num_processes) for first in range(num_processes)]

        def written(share: range) -> list[str]:
            ids = _in_process(self._task(generation, prompts, share, room, stop, stage)) if share else []
            texts = self.tokenizer.batch_decode(ids, skip_special_tokens=True)
            return ["".join(text.partition(stop)[:2]) for text in texts]

        texts = [""] * len(prompts)
        for share, own in zip(shares, ranks.divided(shares, written), strict=True):
            texts[share.start :: share.step] = own
        return texts

    def _check_room(self, room: int) -> None:
        """Refuse texts that the model cannot read to their end; it says how much that is, if there is such a limit."""
        config = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        window = config.get("max_position_embeddings", room)
        if room > window:
            raise UserError(
                f"engine=vllm: the longest prompt and generation.max_new_tokens are {room} tokens, and the model reads "
                f"{window}; lower generation.max_new_tokens, or say engine=local"
            )

    def _task(
        self, generation: Generation, prompts: Sequence[Sequence[int]], share: range, room: int, stop: str, stage: str
    ) -> Task:
        return Task(
            engine=self.engine,
            folder=self.folder,
            precision=self.precision,
            device_type=self.device.type,
            device_number=_own_number(self.device),
            generation=generation,
            prompts={index: list(prompts[index]) for index in share},
            room=room,
            stop=stop,
            stage=stage,
            shows_progress=ranks.is_first(),
        )


def _in_process(task: Task) -> list[list[int]]:
    """The token ids that vLLM writes for each prompt."""
    _leave_memory()
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=carry_out, args=(task, sender), name="vLLM")
    process.start()
    sender.close()
    try:
        outcome: list[list[int]] | Refusal = receiver.recv()
        process.join(_TIME_TO_END)
    except EOFError as error:
        process.join()
        raise RuntimeError(f"vLLM ended with exit code {process.exitcode} before all texts were written") from error
    finally:
        process.kill()  # for it has nothing left to do, or nobody to do it for
        process.join()
    if isinstance(outcome, Refusal):
        told = "its gpu_memory_utilization is engine.memory"
        raise UserError(f"engine=vllm: {outcome.why} ({told}); change that, or say engine=local")
    return outcome


def _own_number(device: torch.device) -> int:
    """Which of the devices that this process sees is its own."""
    import torch

    return torch.cuda.current_device() if device.type == "cuda" else 0


def _leave_memory() -> None:
    """Give back what torch keeps on the device for tensors to come: another process cannot use it."""
    import gc

    import torch

    gc.collect()
    torch.cuda.empty_cache()  # without a GPU in use, nothing
