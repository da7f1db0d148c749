"""Asking many questions, and again where the reply cannot be used."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from occpred.chat.chat import Chat
from occpred.chat.correspondence import Correspondence
from occpred.chat.json_reply import MalformedReplyError
from occpred.chat.request import ChatAnswer, ChatRequest, Refusal
from occpred.records import Call, Unanswered

Reply = TypeVar("Reply")

_LONGEST_COMPLAINT = 300
"""Characters of an error that are shown and kept: it may quote the reply, and that may be anything."""
_NOTHING = "(no text)"
"""Stands for an empty reply where it is shown again: many servers refuse a message without content."""


@dataclass(frozen=True)
class Question(Generic[Reply]):
    """A request, what it is about, and what makes something of a reply to it."""

    example_id: str
    candidate: int
    what: str
    """What is asked of the candidate: `reason`, `factuality`, `coherence` or `utility`."""
    request: ChatRequest
    read: Callable[[str], Reply]
    """Raises `MalformedReplyError` where it can make nothing of it."""


def ask(
    chat: Chat, questions: Sequence[Question[Reply]], correspondence: Correspondence, *, repeats: int, stage: str
) -> list[Reply | None]:
    """Put all `questions` to `chat` and read its replies; `None` for a question that had to be set aside.

    What is malformed is asked again, with the reply and the error shown; the malformed replies of one round go out
    together in the next. Every answer is noted as a call, round by round and within one in the order of `questions`, so
    the notes are the same whichever answer came first.

    Args:
        chat: who is asked.
        questions: in any order; several may be the same request.
        correspondence: where calls are noted, and what was set aside with its last error.
        repeats: times that a malformed reply is asked again, at most.
        stage: name in front of the progress bar.

    Raises:
        UserError: the model cannot be had, or the budget is spent.
    """
    replies: list[Reply | None] = [None] * len(questions)
    waiting = {index: question.request for index, question in enumerate(questions)}
    for repeat in range(repeats + 1):
        if not waiting:
            break
        name = f"{stage}, repeat {repeat}" if repeat else stage
        answers = chat.answer(list(waiting.values()), correspondence.journals, name)
        malformed: dict[int, ChatRequest] = {}
        for (index, request), answer in zip(waiting.items(), answers, strict=True):
            question = questions[index]
            if isinstance(answer, Refusal):
                correspondence.unanswered.append(_set_aside(question, chat, answer.why))
                continue
            correspondence.calls.append(_call(question, chat, answer))
            try:
                replies[index] = question.read(answer.text)
            except MalformedReplyError as error:
                why = _complaint(error, answer, chat)
                malformed[index] = request.answered(answer.text if answer.text.strip() else _NOTHING, _objection(why))
                if repeat == repeats:
                    correspondence.unanswered.append(_set_aside(question, chat, why))
        waiting = malformed
    return replies


def draw_seed(seed: int, number: int) -> int:
    """The seed of a request that is to be answered independently of those with other numbers, 0 to 2**31 - 1."""
    return random.Random(f"{seed}/{number}").getrandbits(31)


def _call(question: Question[Any], chat: Chat, answer: ChatAnswer) -> Call:
    tokens = (answer.prompt_tokens, answer.completion_tokens)
    return Call(question.example_id, question.candidate, question.what, chat.label, *tokens)


def _set_aside(question: Question[Any], chat: Chat, why: str) -> Unanswered:
    return Unanswered(question.example_id, question.candidate, question.what, chat.label, why)


def _complaint(error: MalformedReplyError, answer: ChatAnswer, chat: Chat) -> str:
    why = str(error)[:_LONGEST_COMPLAINT]
    is_cut = answer.finish_reason == "length"
    return f"the reply was cut off at {chat.max_tokens} tokens, before its end; {why}" if is_cut else why


def _objection(why: str) -> str:
    return (
        f"This reply cannot be used: {why}\n"
        "Answer the question again, in the form that it asks for, completely and with nothing else."
    )
