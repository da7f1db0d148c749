"""Lets a language model read texts that grow by a token at a time, each token once.

Shapes: B texts, T tokens of the longest prompt, K tokens that there is room for, M tokens of
all prompts, D hidden size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from occpred.language_model.decoder import hidden_states
from occpred.language_model.remembering import RememberingAttention, rounded_room


class TextReader:
    """A model that has read prompts, and goes on to read what is written behind each of them.

    What it remembers lies where it is from the first token on, in room for the longest text there can be. So all steps
    but the first ones are the same operations on the same memory; on a GPU they are recorded once and replayed, for
    there are thousands of them, too short for Python to keep up with.

    Args:
        model: a causal language model in evaluation mode, with or without adapters; to be used under
            `torch.inference_mode`.
        prompts: token ids; each non-empty.
        most: at most so many tokens are read behind a prompt.
    """

    _has_compiled: bool
    _recording: torch.cuda.CUDAGraph | None

    def __init__(self, model: nn.Module, prompts: Sequence[Sequence[int]], most: int) -> None:
        self._causal_lm: Any = model
        self._device = next(model.parameters()).device
        self._prompts = [torch.tensor(prompt) for prompt in prompts]
        self._room = rounded_room(max(map(len, prompts)) + most)
        self._attention = RememberingAttention()
        self._lengths_B = torch.tensor([len(prompt) for prompt in prompts], device=self._device)
        # Hooks put weights together that are divided among processes, anew for each layer and each step.
        has_hooks = any(module._forward_pre_hooks for module in model.modules())
        self._records = self._device.type == "cuda" and not has_hooks
        self._begin_steps()

    def read_prompts(self) -> Tensor:
        """Read all prompts; return the logits of what follows, (B, V), in float32."""
        tokens_BT = pad_sequence(self._prompts, batch_first=True).to(self._device)
        columns_T = torch.arange(tokens_BT.shape[1], device=self._device)
        # Padding is on the right, where causal attention does not see it.
        rows_M, columns_M = (columns_T < self._lengths_B[:, None]).nonzero(as_tuple=True)
        width = tokens_BT.shape[1]
        self._attention.expect(rows_M * width + columns_M, rows_M * self._room + columns_M, self._room, None)
        last_B = self._rows_B * width + self._lengths_B - 1
        positions_BT = columns_T.expand(tokens_BT.shape)
        return self._logits(hidden_states(self._causal_lm, tokens_BT, positions_BT, self._attention, last_B))

    def read(self, tokens_B: Tensor) -> Tensor:
        """Read one more token of each text; return the logits of what follows, (B, V), in float32.

        They are overwritten by the next call.
        """
        self._tokens_B.copy_(tokens_B)
        if not self._records or not self._has_compiled:  # a first step may compile, which cannot be recorded
            self._has_compiled = True
            return self._step()
        if self._recording is None:
            self._recording = torch.cuda.CUDAGraph()
            # Other threads, such as one that pins memory, may go on with what they do.
            with torch.cuda.graph(self._recording, capture_error_mode="thread_local"):
                self._logits_BV = self._step()
        self._recording.replay()
        return self._logits_BV

    def keep(self, places: Sequence[int]) -> None:
        """Forget all texts but those at these places, in this order."""
        kept = torch.tensor(places, device=self._device)
        self._lengths_B = self._lengths_B[kept]
        self._attention.keep(kept, self._room)
        self._begin_steps()

    def _begin_steps(self) -> None:
        self._rows_B = torch.arange(len(self._lengths_B), device=self._device)
        self._tokens_B = torch.zeros_like(self._lengths_B)
        self._has_compiled = False
        self._recording = None

    def _step(self) -> Tensor:
        places_B = self._rows_B * self._room + self._lengths_B
        seen_BK = torch.arange(self._room, device=self._device) <= self._lengths_B[:, None]
        self._attention.expect(self._rows_B, places_B, self._room, seen_BK[:, None])
        tokens_B1, positions_B1 = self._tokens_B[:, None], self._lengths_B[:, None]
        hidden_BD = hidden_states(self._causal_lm, tokens_B1, positions_B1, self._attention, self._rows_B)
        self._lengths_B += 1
        return self._logits(hidden_BD)

    def _logits(self, hidden_BD: Tensor) -> Tensor:
        logits_BV: Tensor = self._causal_lm.get_output_embeddings()(hidden_BD)
        return logits_BV.float()
