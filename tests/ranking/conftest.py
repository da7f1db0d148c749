"""Fixtures of the tests of rankings."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from occpred.language_model import remembering


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """How many prompts were remembered, with room for how many tokens each, whenever nodes were read."""
    seen: list[tuple[int, int]] = []

    def counted(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, **given: Any) -> torch.Tensor:
        if "attn_mask" in given:
            seen.append((key.shape[0], key.shape[2]))
        return scaled_dot_product_attention(query, key, value, **given)

    monkeypatch.setattr(remembering, "scaled_dot_product_attention", counted)
    return seen
