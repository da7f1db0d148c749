"""Reading what servers send, good or bad."""

from __future__ import annotations

import json
from typing import Any

import pytest

from occpred.chat.completion import MalformedCompletionError, read_completion
from occpred.chat.request import ChatAnswer, ChatRequest, Message, Refusal, ReplyForm, Speaker
from occpred.chat.tokens import estimate_tokens, most_tokens

REQUEST = ChatRequest((Message(Speaker.SYSTEM, "abcd"), Message(Speaker.USER, "é" * 8)))
USAGE = {"prompt_tokens": 7, "completion_tokens": 3}


def completion(*messages: dict[str, Any], usage: Any = USAGE, finish_reason: str | None = "stop") -> str:
    choices = [{"index": 0, "message": message, "finish_reason": finish_reason} for message in messages]
    return json.dumps({"id": "x", "choices": choices, "usage": usage, "new_field": {}})


def test_the_first_choice_counts() -> None:
    assert read_completion(completion({"content": "a"}, {"content": "b"}), REQUEST) == ChatAnswer("a", 7, 3)
    cut = completion({"content": "a", "role": "assistant", "tool_calls": None}, finish_reason="length").encode()
    assert read_completion(cut, REQUEST) == ChatAnswer("a", 7, 3, "length")
    assert read_completion(completion({"content": ""}, finish_reason=None), REQUEST) == ChatAnswer("", 7, 3)


def test_tokens_that_are_not_counted_are_estimated() -> None:
    for usage in (None, {}, {"prompt_tokens": None, "completion_tokens": None, "total_tokens": 3}):
        answer = read_completion(completion({"content": "a" * 9}, usage=usage), REQUEST)
        assert answer == ChatAnswer("a" * 9, prompt_tokens=(1 + 4) + (4 + 4), completion_tokens=3)


def test_a_model_that_will_not_answer_refuses() -> None:
    assert read_completion(completion({"content": None, "refusal": "I cannot."}), REQUEST) == Refusal(
        "the model refused: I cannot."
    )
    held_back = read_completion(completion({"content": "a"}, finish_reason="content_filter"), REQUEST)
    assert isinstance(held_back, Refusal)


def test_thoughts_that_used_up_all_tokens_leave_an_empty_answer() -> None:
    assert read_completion(completion({"content": None}, finish_reason="length"), REQUEST) == ChatAnswer(
        "", 7, 3, "length"
    )


WHOLE = completion({"content": "a"})


@pytest.mark.parametrize(
    "spoilt",
    [
        *(WHOLE[:length] for length in (0, 1, len(WHOLE) // 2, len(WHOLE) - 1)),
        WHOLE.replace(":", "", 1),
        "<html>welcome</html>",
        "null",
        "[]",
        "{}",
        '{"error": {"message": "overloaded"}}',
        '{"choices": null}',
        completion(),
        completion({"content": None}),
        completion({"content": ["a"]}),
        '{"choices": [{}]}',
        b"\xff\xfe",
    ],
)
def test_what_is_damaged_or_empty_is_malformed(spoilt: str | bytes) -> None:
    with pytest.raises(MalformedCompletionError, match="chat completion"):
        read_completion(spoilt, REQUEST)


def test_estimates_are_of_bytes_and_include_the_schema() -> None:
    assert estimate_tokens(REQUEST) == (1 + 4) + (4 + 4)
    form = ReplyForm("mark", {"type": "integer"})  # 19 bytes as JSON
    assert estimate_tokens(ChatRequest(REQUEST.messages, form=form)) == estimate_tokens(REQUEST) + 5
    assert most_tokens("é\ud800") == 3
