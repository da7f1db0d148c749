"""Titles written freely, as the paper's code does: the only way to learn how often they are no titles at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from occpred.language_model.generation import Generation
from occpred.prompts import ANSWER_CLOSE
from occpred.settings import Settings

if TYPE_CHECKING:
    from torch import nn

    from occpred.encoding import Encoder


@dataclass
class FreeText(Settings):
    """Lets the model write a title token by token, without holding it to the taxonomy."""

    enabled: bool = True
    """Whether it is done at all; metrics of free text are absent otherwise."""
    generation: Generation = field(default_factory=lambda: Generation(max_new_tokens=32))
    """How the title is drawn; greedily unless changed."""

    def __call__(self, model: nn.Module, encoder: Encoder, prompts: Sequence[Sequence[int]]) -> list[str]:
        """Return the text up to `</answer>` for each prompt that ends where the title begins; nothing if disabled."""
        if not self.enabled:
            return []
        texts = self.generation(model, encoder.tokenizer, prompts, stop=ANSWER_CLOSE, stage="free text")
        # A title that was never closed is no answer: its opening words must not count as one.
        return [text.removesuffix(ANSWER_CLOSE) if text.endswith(ANSWER_CLOSE) else "" for text in texts]
