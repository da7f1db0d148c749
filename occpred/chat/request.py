"""One question to a chat model, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Speaker(Enum):
    """Who says a message, in the words of the chat completions format."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True)
class Message:
    """What one side says."""

    speaker: Speaker
    content: str


@dataclass(frozen=True)
class ReplyForm:
    """The JSON schema that a reply should follow; `name` is what servers call it (letters, digits, `_`)."""

    name: str
    schema: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True)
class ChatRequest:
    """What is asked. Two requests that are equal in all are one: it is asked once and its answer serves both.

    `seed` (0 to 2**31 - 1) tells apart requests that are to be answered independently although all else is equal;
    servers that can, draw their answer from it. `stop` ends the answer, and is not part of it.
    """

    messages: tuple[Message, ...]
    seed: int = 0
    form: ReplyForm | None = None
    stop: str | None = None

    def answered(self, reply: str, objection: str) -> ChatRequest:
        """The request that goes on after `reply` with an `objection` to it."""
        said = (Message(Speaker.ASSISTANT, reply), Message(Speaker.USER, objection))
        return ChatRequest((*self.messages, *said), self.seed, self.form, self.stop)


@dataclass(frozen=True)
class ChatAnswer:
    """What a model said, with the tokens that it read and wrote as the server counts them.

    `finish_reason` is in the words of the chat completions format: `stop` for a complete text, `length` for one that
    was cut at the most tokens allowed.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str = "stop"


@dataclass(frozen=True)
class Refusal:
    """Why a request was given up: the server refused it for good, or every attempt failed."""

    why: str
