"""How the titles behind a prompt get their probabilities: what all ways of doing it share.

Shapes: P questions, R prompts each, C titles.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.ranking.free_text import FreeText
from occpred.rankings import Certificate, Floats
from occpred.settings import Settings, setting

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Question:
    """What one answer rests on.

    Attributes:
        prompts: R of them, one for each reason; the answer is the mean of the probabilities behind them.
        asked: column of the title whose probability and rank will be looked up. It is certain to be computed, and that
            is all it is for: nothing that is certain of the answer depends on it.
    """

    prompts: tuple[tuple[int, ...], ...]
    asked: int


@dataclass(frozen=True)
class Answers:
    """Log-probabilities of all titles behind all prompts, (P, R, C), sums over each title's tokens.

    `certificate`, (P, R, ...), says how far they may be off; `None` where all were computed.
    """

    log_probs_PRC: Floats
    certificate: Certificate | None = None


@dataclass
class Ranking(Settings, ABC):
    """Gives every title its probability."""

    tokens_per_forward: int = setting(8192, minimum=1, incidental=True)
    """Tokens, padding included, that go through the model together; what is longer than that goes alone."""
    num_reasons: int = setting(1, minimum=1)
    """Reasons for each answer; the probability of an occupation is its mean over them."""
    free_text: FreeText = setting(FreeText())
    """Whether, and how, a title is written freely beside the ranking."""

    @abstractmethod
    def __call__(
        self, model: nn.Module, questions: Sequence[Question], titles: Sequence[Sequence[int]], *, stage: str
    ) -> Answers:
        """Answer all questions.

        Args:
            model: a causal language model in evaluation mode.
            questions: all with equally many prompts, which end before the title begins.
            titles: token ids of each title, with what tells that it has ended.
            stage: name in front of the progress bar.
        """

    def groups(self, lengths: Sequence[int], rows: int = 1) -> Iterator[list[int]]:
        """Divide items into groups of like length, longest first, so that too little memory shows at once.

        Args:
            lengths: tokens of each item's longest row.
            rows: how many rows each item has.
        """
        group: list[int] = []
        for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
            longest = lengths[group[0]] if group else lengths[index]
            if group and longest * rows * (len(group) + 1) > self.tokens_per_forward:
                yield group
                group = []
            group.append(index)
        if group:
            yield group
