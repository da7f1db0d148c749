"""What a GPU compiles, compiled on a CPU by a backend that only counts."""

from __future__ import annotations

from functools import cache, partial

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from occpred.language_model import decoder


def counted_compiler(monkeypatch: pytest.MonkeyPatch) -> CompileCounter:
    """Compile what a GPU would have compiled; say how many graphs there are."""
    torch.compiler.reset()  # other tests have compiled the functions for other models, as often as they may be
    counter = CompileCounter()
    compiled = cache(partial(torch.compile, backend=counter, dynamic=True))
    monkeypatch.setattr(decoder, "_made_for", lambda device_type, function: compiled(function))
    return counter
