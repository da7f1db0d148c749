"""What would be asked of a chat model, before a question is put."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from occpred.chat.chat import Chat
from occpred.chat.privacy import Privacy
from occpred.chat.request import ChatRequest
from occpred.chat.tokens import estimate_tokens


@dataclass(frozen=True)
class PlannedCalls:
    """All calls of one kind to one model. Tokens and cost are those of the calls that no journal answers.

    They are bounds rather than guesses: every answer is counted as long as it may be, equal requests once, malformed
    answers that are asked again not at all.
    """

    question: str
    """What is asked for: `reason`, `factuality`, `coherence` or `utility`."""
    model: str
    destination: str
    """Where the requests go."""
    leaves: str
    """What of the data goes there, in words."""
    calls: int
    """Different requests."""
    answered: int
    """How many of them are answered in a journal already."""
    prompt_tokens: int
    completion_tokens: int
    cost: Mapping[str, float]
    """By currency; empty where no price is known."""
    example: str
    """The first request as the model reads it; empty where there is none."""


def plan_calls(
    chat: Chat, requests: Sequence[ChatRequest], *, question: str, privacy: Privacy, journals: Path
) -> PlannedCalls:
    """Count what `requests` would ask of `chat`; nothing is sent.

    Args:
        chat: who would be asked.
        requests: equal ones count once.
        question: what they ask for.
        privacy: what they were limited by.
        journals: folder of the answers of earlier runs.
    """
    distinct = list(dict.fromkeys(requests))
    answered = chat.answered(distinct, journals)
    ahead = len(distinct) - answered
    prompt_tokens = sum(map(estimate_tokens, distinct)) * ahead // max(1, len(distinct))
    completion_tokens = chat.max_tokens * ahead
    return PlannedCalls(
        question=question,
        model=chat.label,
        destination=chat.destination,
        leaves=privacy.describe(),
        calls=len(distinct),
        answered=answered,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost=chat.charged(prompt_tokens, completion_tokens),
        example=_rendered(distinct[0]) if distinct else "",
    )


def _rendered(request: ChatRequest) -> str:
    return "\n\n".join(f"[{message.speaker.value}]\n{message.content}" for message in request.messages)
