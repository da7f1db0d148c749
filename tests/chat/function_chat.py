"""A chat model in this process whose answers are a function of the request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from occpred.chat.chat import Chat
from occpred.chat.request import ChatAnswer, ChatRequest, Refusal


def said(text: str, finish_reason: str = "stop") -> ChatAnswer:
    return ChatAnswer(text, prompt_tokens=10, completion_tokens=len(text.split()), finish_reason=finish_reason)


@dataclass
class FunctionChat(Chat):
    """Answers by `reply` and keeps what it was asked, round by round."""

    reply: Callable[[ChatRequest], ChatAnswer | Refusal] = field(kw_only=True)
    name: str = "function"
    rounds: list[list[ChatRequest]] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    known: int = 0
    """How many requests a journal is said to answer."""

    @property
    def label(self) -> str:
        return self.name

    @property
    def destination(self) -> str:
        return "this test"

    @property
    def asked(self) -> list[ChatRequest]:
        return [request for requests in self.rounds for request in requests]

    def answer(self, requests: Sequence[ChatRequest], journals: Path, stage: str) -> list[ChatAnswer | Refusal]:
        self.rounds.append(list(requests))
        self.stages.append(stage)
        return [self.reply(request) for request in requests]

    def answered(self, requests: Sequence[ChatRequest], journals: Path) -> int:
        return self.known

    def charged(self, prompt_tokens: int, completion_tokens: int) -> dict[str, float]:
        return {"USD": 2.0 * prompt_tokens + 8.0 * completion_tokens}


def words_of(request: ChatRequest) -> str:
    """All that a request says."""
    return "\n".join(message.content for message in request.messages)


def digest_of(requests: Sequence[ChatRequest]) -> str:
    """Differs where anything that is asked differs."""
    asked = json.dumps([asdict(request) for request in requests], default=lambda speaker: speaker.value)
    return hashlib.sha256(asked.encode()).hexdigest()[:12]
