"""From texts to the token ids of a trunk and its branches: what each role of a language model is asked and replies.

A reply is encoded part by part - tag, reason, tags, title, tag - and the parts' tokens are joined. So a title has the
same tokens in training and in ranking, whatever stands beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from occpred.prompts import ANSWER_CLOSE, ANSWER_OPEN, THINK_CLOSE, THINK_OPEN, Prompts, plain
from occpred.records import CareerHistory
from occpred.taxonomy.taxonomy import Taxonomy
from occpred.trees.token_tree import TokenTree

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Shot:
    """A question with its right reply, shown to an untuned model before the question that is meant."""

    history: CareerHistory
    reason: str
    title: str


@dataclass(frozen=True)
class Encoder(ABC):
    """The tokens of one role.

    Attributes:
        prompts: the wording.
        tokenizer: of the backbone.
        taxonomy: the occupations.
        shots: replies to learn from, shown as earlier turns of the chat.
    """

    prompts: Prompts
    tokenizer: PreTrainedTokenizerBase
    taxonomy: Taxonomy
    shots: tuple[Shot, ...] = ()

    @abstractmethod
    def request(self, history: CareerHistory, reason: str) -> str:
        """Return what the user says. `reason` stands in it only where it is given rather than written."""

    @abstractmethod
    def reply(self, reason: str, title: str) -> list[str]:
        """Return the parts of the reply that is learned; which of `reason` and `title` it holds is up to the role."""

    def prompt(self, history: CareerHistory, reason: str = "") -> list[int]:
        """Encode all that stands before the model's reply."""
        # Templates such as Qwen3's leave thoughts out of earlier replies, so they are given marks in place of these.
        # No history spells a mark: `plain` leaves no angle brackets.
        replies = {f"<reply {n}>": "".join(self.reply(each.reason, each.title)) for n, each in enumerate(self.shots)}
        turns = [
            turn
            for mark, shot in zip(replies, self.shots, strict=True)
            for turn in (
                {"role": "user", "content": self.request(shot.history, shot.reason)},
                {"role": "assistant", "content": mark},
            )
        ]
        turns.append({"role": "user", "content": self.request(history, reason)})
        text = str(self.tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))
        for mark, reply in replies.items():
            text = text.replace(mark, reply)
        return self.encode(text)

    def completion(self, reason: str, title: str) -> list[int]:
        """Encode a whole reply, with the token that ends the text."""
        end = self.tokenizer.eos_token_id
        return [*self.encode(*self.reply(reason, title)), *([int(end)] if end is not None else [])]

    def trees(self, history: CareerHistory, reasons: Sequence[str], title: str) -> list[TokenTree]:
        """Encode what is learned from one person: a branch for each of the `reasons`, on one trunk where they share it.

        Where the role is given its reason, each reason makes a trunk of its own.
        """
        branches: dict[tuple[int, ...], dict[tuple[int, ...], None]] = {}
        for reason in reasons:
            trunk = tuple(self.prompt(history, reason))
            branches.setdefault(trunk, {})[tuple(self.completion(reason, title))] = None
        return [TokenTree.grow(trunk, list(replies)) for trunk, replies in branches.items()]

    def encode(self, *parts: str) -> list[int]:
        """Encode the parts, each for itself, and join them."""
        return [token for part in parts for token in self.tokenizer.encode(part, add_special_tokens=False)]


class WritesReasons(Encoder):
    """A role whose reply holds a reason."""

    def reason_prompt(self, history: CareerHistory) -> list[int]:
        """Encode all that stands before the reason."""
        return [*self.prompt(history), *self.encode(THINK_OPEN)]


class NamesOccupation(Encoder):
    """A role whose reply names an occupation."""

    def answer_opening(self, reason: str) -> list[str]:
        """Return the parts of the reply that stand before the title: the tag, unless the role has more to say."""
        return [ANSWER_OPEN]

    def reply(self, reason: str, title: str) -> list[str]:
        """What opens the answer, then `title</answer>`."""
        return [*self.answer_opening(reason), title, ANSWER_CLOSE]

    def answer_prompt(self, history: CareerHistory, reason: str) -> list[int]:
        """Encode all that stands before the title, an empty `reason` as no token at all."""
        return [*self.prompt(history, reason), *self.encode(*self.answer_opening(reason))]

    def title(self, title: str) -> list[int]:
        """Encode a title with the token that begins its closing tag.

        That token keeps "Infantry" apart from "Infantry Officers". What follows it says nothing more.
        """
        return [*self.encode(title), *self.encode(ANSWER_CLOSE)[:1]]

    def titles(self) -> list[list[int]]:
        """Encode the title of each occupation in taxonomy order."""
        return [self.title(occupation.title) for occupation in self.taxonomy.occupations]


class JointEncoder(WritesReasons, NamesOccupation):
    """Writes the reason, then names the occupation."""

    def request(self, history: CareerHistory, reason: str) -> str:
        """Ask for both; the reason is not given."""
        return self.prompts.joint(history, self.taxonomy)

    def answer_opening(self, reason: str) -> list[str]:
        """`<think>reason</think><answer>`, with empty thoughts where there is no reason."""
        return [THINK_OPEN, plain(reason), THINK_CLOSE + ANSWER_OPEN]


class ReasonEncoder(WritesReasons):
    """Writes the reason and names no occupation."""

    def request(self, history: CareerHistory, reason: str) -> str:
        """Ask for a reason."""
        return self.prompts.reason(history, self.taxonomy)

    def reply(self, reason: str, title: str) -> list[str]:
        """`<think>reason</think>`."""
        return [THINK_OPEN, plain(reason), THINK_CLOSE]


class PredictorEncoder(NamesOccupation):
    """Is given the reason and names the occupation."""

    def request(self, history: CareerHistory, reason: str) -> str:
        """Ask for an occupation, given the reason."""
        return self.prompts.predictor(history, reason, self.taxonomy)


class DirectEncoder(NamesOccupation):
    """Names the occupation; there is no reason for it anywhere."""

    def request(self, history: CareerHistory, reason: str) -> str:
        """Ask for an occupation. Raises `ValueError` where a reason is given: this role must never see one."""
        if reason:
            raise ValueError("a model that answers directly was given a reason")
        return self.prompts.direct(history, self.taxonomy)


class Role(Enum):
    """What one language model is for."""

    JOINT = JointEncoder
    REASON_GENERATOR = ReasonEncoder
    PREDICTOR = PredictorEncoder
    DIRECT = DirectEncoder
