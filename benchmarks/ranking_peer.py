"""All titles with Hugging Face's cache: the prompt is read once, its cache repeated for each batch of titles."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

TITLES_AT_ONCE = 64


def log_probs(model: nn.Module, prompts: Sequence[Sequence[int]], titles: list[list[int]]) -> Tensor:
    """Log-probabilities of all titles, (users, titles), in float32."""
    device = next(model.parameters()).device
    found = []
    with torch.inference_mode():
        for tokens in prompts:
            prompt = torch.tensor([tokens], device=device)
            read = model(prompt, use_cache=True, logits_to_keep=1)
            first = read.logits[0, -1].float().log_softmax(dim=-1)
            batches = [titles[start : start + TITLES_AT_ONCE] for start in range(0, len(titles), TITLES_AT_ONCE)]
            found.append(torch.cat([_behind(model, read.past_key_values, first, batch, prompt) for batch in batches]))
    return torch.stack(found)


def _behind(model: nn.Module, cache: Any, first: Tensor, titles: list[list[int]], prompt: Tensor) -> Tensor:
    """Log-probabilities of some titles behind the prompt whose cache this is, (titles,)."""
    repeated = copy.deepcopy(cache)
    repeated.batch_repeat_interleave(len(titles))
    longest = max(map(len, titles))
    padded = [[*title, *[0] * (longest - len(title))] for title in titles]
    tokens = torch.tensor(padded, device=prompt.device)
    logits = model(tokens[:, :-1], past_key_values=repeated, use_cache=True).logits.float()
    steps = logits.log_softmax(dim=-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    counts = torch.tensor([len(title) for title in titles], device=prompt.device)
    is_own = torch.arange(1, longest, device=prompt.device) < counts[:, None]
    return first[tokens[:, 0]] + (steps * is_own).sum(dim=1)
