"""What a server says in the chat completions format, live or in a batch's result file."""

from __future__ import annotations

from dataclasses import dataclass

from occpred.chat.request import ChatAnswer, ChatRequest, Refusal
from occpred.chat.tokens import estimate_text_tokens, estimate_tokens
from occpred.records import from_json


class MalformedCompletionError(ValueError):
    """A server's reply is not what the format promises: damaged, cut off, or without an answer."""


@dataclass(frozen=True)
class _Said:
    content: str | None = None
    refusal: str | None = None


@dataclass(frozen=True)
class _Choice:
    message: _Said
    finish_reason: str | None = None


@dataclass(frozen=True)
class _Usage:
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True)
class _Completion:
    choices: tuple[_Choice, ...]
    usage: _Usage | None = None


def read_completion(content: str | bytes, request: ChatRequest) -> ChatAnswer | Refusal:
    """Read the answer to `request` out of a chat completion in JSON; of several the first counts.

    Tokens that the server does not count are estimated.

    Raises:
        MalformedCompletionError: there is no answer in it. Another attempt may bring one.
    """
    from pydantic import ValidationError

    try:
        completion = from_json(_Completion, content)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "text"
        raise MalformedCompletionError(f"not a chat completion: {where}: {first['msg']}") from None
    if not completion.choices:
        raise MalformedCompletionError("a chat completion without choices")
    return _outcome(completion.choices[0], completion.usage or _Usage(), request)


def _outcome(choice: _Choice, usage: _Usage, request: ChatRequest) -> ChatAnswer | Refusal:
    text = choice.message.content
    if choice.message.refusal:
        return Refusal(f"the model refused: {choice.message.refusal}")
    if choice.finish_reason == "content_filter":
        return Refusal("the server's content filter held the answer back")
    if text is None and choice.finish_reason == "length":
        text = ""  # all tokens went into thoughts that are not shown; asking again would bring the same
    if text is None:
        raise MalformedCompletionError(f"a chat completion without text (finish_reason {choice.finish_reason})")
    read = estimate_tokens(request) if usage.prompt_tokens is None else usage.prompt_tokens
    written = estimate_text_tokens(text) if usage.completion_tokens is None else usage.completion_tokens
    return ChatAnswer(text, max(0, read), max(0, written), choice.finish_reason or "stop")
