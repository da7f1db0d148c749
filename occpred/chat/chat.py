"""What every chat model is to teachers and judges."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from occpred.chat.request import ChatAnswer, ChatRequest, Refusal
from occpred.settings import Settings, setting


@dataclass
class Chat(Settings, ABC):
    """A model that one can write to, and how its answers are drawn."""

    temperature: float = setting(0.0, minimum=0, maximum=2)
    """0 gives the most probable answer; 1 samples from the model as it is."""
    max_tokens: int = setting(512, minimum=1)
    """An answer that has not come to its end by then is cut."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What reports and progress bars call the model."""

    @property
    @abstractmethod
    def destination(self) -> str:
        """Where requests go: a URL without secrets, or `this machine`."""

    @abstractmethod
    def answer(self, requests: Sequence[ChatRequest], journals: Path, stage: str) -> list[ChatAnswer | Refusal]:
        """Have all `requests` answered, in their order; what a journal answers is not asked again.

        Args:
            requests: equal ones are asked once.
            journals: folder of the answers of earlier runs; every new one is on disk there before it counts.
            stage: name in front of the progress bar.

        Raises:
            UserError: the model cannot be had (wrong address, key or name, an outage), or the budget is spent. What was
                answered is kept: the same call goes on from there.
        """

    @abstractmethod
    def answered(self, requests: Sequence[ChatRequest], journals: Path) -> int:
        """How many of the distinct `requests` a journal answers already."""

    @abstractmethod
    def charged(self, prompt_tokens: int, completion_tokens: int) -> dict[str, float]:
        """What such an answer costs, by currency; empty where nothing is charged, or no price is known."""
