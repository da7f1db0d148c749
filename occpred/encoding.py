"""From texts to the token ids of a trunk and its branches.

A completion is encoded part by part - tag, reason, tags, title, tag - and the parts' tokens are joined. So a title has
the same tokens in training and in ranking, whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.prompts import ANSWER_CLOSE, ANSWER_OPEN, THINK_CLOSE, THINK_OPEN, Prompts, plain
from occpred.records import CareerHistory
from occpred.taxonomy.taxonomy import Taxonomy

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class JointEncoder:
    """Token ids of the joint model's prompt, `<think>reason</think>`, and `<answer>title</answer>`."""

    prompts: Prompts
    tokenizer: PreTrainedTokenizerBase
    taxonomy: Taxonomy

    def prompt(self, history: CareerHistory) -> list[int]:
        """Encode all that stands before the model's reply."""
        message = {"role": "user", "content": self.prompts.joint(history, self.taxonomy)}
        ids: list[int] = self.tokenizer.apply_chat_template(
            [message], add_generation_prompt=True, tokenize=True, return_dict=False
        )
        return ids

    def reason_opening(self) -> list[int]:
        """Encode what the reply begins with, before the reason."""
        return self._encode(THINK_OPEN)

    def reasoning(self, reason: str) -> list[int]:
        """Encode the reply up to where the title begins. An empty `reason` gives empty thoughts."""
        body = self._encode(plain(reason)) if reason else []
        return [*self.reason_opening(), *body, *self._encode(THINK_CLOSE + ANSWER_OPEN)]

    def title(self, title: str) -> list[int]:
        """Encode a title and its end. The end keeps "Infantry" apart from "Infantry Officers"."""
        return [*self._encode(title), *self._encode(ANSWER_CLOSE)]

    def titles(self) -> list[list[int]]:
        """Encode the title, with its end, of each occupation in taxonomy order."""
        return [self.title(occupation.title) for occupation in self.taxonomy.occupations]

    def completion(self, reason: str, title: str) -> list[int]:
        """Encode a whole reply, with the token that ends the text."""
        return [*self.reasoning(reason), *self.title(title), *self.end_of_text()]

    def end_of_text(self) -> list[int]:
        """Return the one token that ends a reply."""
        end = self.tokenizer.eos_token_id
        return [int(end)] if end is not None else []

    def decode(self, tokens: Sequence[int]) -> str:
        """Turn ids back into text, special tokens left out."""
        text: str = self.tokenizer.decode(list(tokens), skip_special_tokens=True)
        return text

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids
