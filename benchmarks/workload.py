"""What the training benchmarks train, and on what: one backbone and one set of random token ids for all contestants."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import occpred.backbones

if TYPE_CHECKING:
    from transformers import PreTrainedModel

RANK, ALPHA = 16, 32
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
QWEN3_8B: dict[str, Any] = {
    "head_dim": 128,
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "num_attention_heads": 32,
    "num_hidden_layers": 36,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": False,
    "vocab_size": 151_936,
}


@dataclass(frozen=True)
class Example:
    """A prompt with the completions to learn: one, or a chosen and a rejected one."""

    prompt: list[int]
    completions: list[list[int]]

    @property
    def tokens(self) -> int:
        """Tokens of the prompt, once, and of all completions."""
        return len(self.prompt) + sum(map(len, self.completions))


@dataclass(frozen=True)
class Workload:
    """A backbone, and how long its texts are.

    Attributes:
        name: as the command line has it.
        architecture: sizes of a Qwen3 with random weights; without them, the backbone inside the package.
        prompt: shortest and longest prompt, in tokens.
        completion: shortest and longest completion.
        examples_per_step: examples that learn from one optimizer step.
        pairs_per_step: preference pairs that do.
        row_length: tokens of our packed rows.
    """

    name: str
    architecture: dict[str, Any] | None
    prompt: tuple[int, int]
    completion: tuple[int, int]
    examples_per_step: int
    pairs_per_step: int
    row_length: int

    def model(self, device: torch.device, attention: str) -> PreTrainedModel:
        """The frozen backbone, random weights drawn on the device: bfloat16 on a GPU, float32 on a CPU."""
        # Not at the top: peers change what transformers finds when it is imported.
        from transformers import AutoConfig, AutoModelForCausalLM

        dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
        if self.architecture is None:
            folder = Path(occpred.backbones.__path__[0]) / "tiny"
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation=attention).to(device)
        else:
            torch.manual_seed(0)
            config = AutoConfig.for_model("qwen3", **self.architecture)
            with device:
                model = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation=attention)
        return model.requires_grad_(False).eval()

    @property
    def vocabulary(self) -> int:
        """Token ids are below this one."""
        return self.architecture["vocab_size"] if self.architecture else 4096

    def examples(self, count: int, completions: int) -> list[Example]:
        """So many examples with so many completions each, always the same ones."""
        lengths = random.Random(completions)
        tokens = np.random.default_rng(completions)

        def text(shortest: int, longest: int) -> list[int]:
            ids: list[int] = tokens.integers(10, self.vocabulary, lengths.randint(shortest, longest)).tolist()
            return ids

        return [Example(text(*self.prompt), [text(*self.completion) for _ in range(completions)]) for _ in range(count)]

    def log_prob(self, completion: list[int]) -> float:
        """What a model that knows nothing says of a completion; stands in for a reference."""
        return -len(completion) * math.log(self.vocabulary)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("8b", QWEN3_8B, (600, 1200), (150, 300), examples_per_step=26, pairs_per_step=12, row_length=8192),
        # Lengths of nine in ten prompts and replies of `occpred experiments=demo`, in rows of the default length.
        Workload("tiny", None, (100, 260), (58, 84), examples_per_step=8, pairs_per_step=8, row_length=2048),
    )
}
