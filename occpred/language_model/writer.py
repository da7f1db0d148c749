"""Who continues prompts: the one thing that ways of writing have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from occpred.language_model.generation import Generation

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerBase


class Writer(Protocol):
    """A language model that is ready to write."""

    def __call__(
        self, generation: Generation, prompts: Sequence[Sequence[int]], /, *, stop: str, stage: str
    ) -> list[str]:
        """Continue each prompt until `stop` appears, the model ends its text, or there is no more room.

        Of several processes, each is given all prompts and has all completions returned; they share the work.

        Args:
            generation: how the completions are drawn. What is drawn for a prompt depends on the prompt, on its place
                among all prompts and on the seed.
            prompts: token ids; each non-empty.
            stop: the text at which a completion ends; it is kept in the completion.
            stage: what the work is called where progress is shown.

        Returns:
            The completions in the order of `prompts`, cut right after `stop`.
        """


@dataclass(frozen=True)
class LocalWriter:
    """A model in this process, as it is: with adapters, in the number formats in which it was trained."""

    model: nn.Module
    """A Hugging Face causal language model in evaluation mode."""
    tokenizer: PreTrainedTokenizerBase

    def __call__(
        self, generation: Generation, prompts: Sequence[Sequence[int]], /, *, stop: str, stage: str
    ) -> list[str]:
        """See `Writer`."""
        return generation(self.model, self.tokenizer, prompts, stop=stop, stage=stage)
