"""When a text that is being written has come to its end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Ending:
    """What ends a text: a token with which the model ends its texts, or, where there is one, the text `stop`."""

    tokenizer: PreTrainedTokenizerBase
    stop: str | None
    tokens: Collection[int]

    @classmethod
    def of(cls, model: Any, tokenizer: PreTrainedTokenizerBase, stop: str | None) -> Ending:
        """The model's own ends, none, one or several, and `stop`."""
        ends = model.generation_config.eos_token_id
        return cls(tokenizer, stop, {*ends} if isinstance(ends, list) else {ends} - {None})

    def ends(self, written: Sequence[int]) -> bool:
        """Whether the last of the tokens that were written after the prompt ends the text."""
        return written[-1] in self.tokens or self._completes_stop(written)

    def _completes_stop(self, written: Sequence[int]) -> bool:
        if self.stop is None:
            return False
        # A token holds at least one byte of the stop text, so this many tokens hold all of it.
        tail = written[-len(self.stop.encode()) - 1 :]
        return self.stop in self.tokenizer.decode(list(tail))
