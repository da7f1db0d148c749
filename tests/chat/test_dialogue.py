from __future__ import annotations

from pathlib import Path

import pytest

from occpred.chat.correspondence import Correspondence
from occpred.chat.dialogue import Question, ask, draw_seed
from occpred.chat.json_reply import MalformedReplyError
from occpred.chat.request import ChatAnswer, ChatRequest, Message, Refusal, Speaker
from occpred.records import Call, Unanswered
from tests.chat.function_chat import FunctionChat, said


def read_number(reply: str) -> int:
    if not reply.strip().isdigit():
        raise MalformedReplyError(f"not a number: {reply}")
    return int(reply)


def number_of(example_id: str, text: str) -> Question[int]:
    request = ChatRequest((Message(Speaker.USER, text),))
    return Question(example_id, 2, "reason", request, read_number)


def times_asked(request: ChatRequest) -> int:
    return sum(message.speaker is Speaker.ASSISTANT for message in request.messages)


def stubborn(request: ChatRequest) -> ChatAnswer | Refusal:
    """Answers `7 after 2` with 7 when it has been asked again twice, and refuses what begins with `no`."""
    first, _, patience = request.messages[0].content.partition(" after ")
    if first == "no":
        return Refusal("the server does not like it")
    tries = times_asked(request)
    return said(first if tries >= int(patience or 0) else f"bad{tries}")


@pytest.fixture
def correspondence(tmp_path: Path) -> Correspondence:
    return Correspondence(tmp_path)


def test_replies_come_in_the_order_of_the_questions(correspondence: Correspondence) -> None:
    chat = FunctionChat(reply=stubborn)
    questions = [number_of("a", "3"), number_of("b", "1"), number_of("c", "2")]
    assert ask(chat, questions, correspondence, repeats=2, stage="reason") == [3, 1, 2]
    assert chat.rounds == [[question.request for question in questions]]
    assert correspondence.calls == [Call(name, 2, "reason", "function", 10, 1) for name in "abc"]
    assert correspondence.unanswered == []


def test_what_is_malformed_is_asked_again_with_its_error_all_in_one_round(correspondence: Correspondence) -> None:
    chat = FunctionChat(reply=stubborn)
    questions = [number_of("a", "3 after 1"), number_of("b", "1"), number_of("c", "2 after 2")]
    assert ask(chat, questions, correspondence, repeats=2, stage="reason") == [3, 1, 2]
    assert [len(requests) for requests in chat.rounds] == [3, 2, 1]
    assert chat.stages == ["reason", "reason, repeat 1", "reason, repeat 2"]
    first, reply, objection = chat.rounds[1][0].messages
    assert first == questions[0].request.messages[0]
    assert reply == Message(Speaker.ASSISTANT, "bad0")
    assert objection.speaker is Speaker.USER
    assert "not a number: bad0" in objection.content
    assert [message.content for message in chat.rounds[2][0].messages[1::2]] == ["bad0", "bad1"]
    assert [call.example_id for call in correspondence.calls] == ["a", "b", "c", "a", "c", "c"]


@pytest.mark.parametrize("repeats", [0, 1, 3])
def test_what_stays_malformed_is_set_aside_with_its_last_error(correspondence: Correspondence, repeats: int) -> None:
    chat = FunctionChat(reply=stubborn)
    questions = [number_of("a", "3 after 9"), number_of("b", "1")]
    assert ask(chat, questions, correspondence, repeats=repeats, stage="reason") == [None, 1]
    assert len(chat.asked) == len(correspondence.calls) == 2 + repeats
    assert correspondence.unanswered == [Unanswered("a", 2, "reason", "function", f"not a number: bad{repeats}")]


def test_what_is_refused_is_set_aside_and_no_call(correspondence: Correspondence) -> None:
    chat = FunctionChat(reply=stubborn)
    assert ask(chat, [number_of("a", "no"), number_of("b", "1")], correspondence, repeats=2, stage="reason") == [
        None,
        1,
    ]
    assert [call.example_id for call in correspondence.calls] == ["b"]
    assert correspondence.unanswered == [Unanswered("a", 2, "reason", "function", "the server does not like it")]
    assert len(chat.rounds) == 1


def test_a_refusal_to_be_asked_again_is_the_end(correspondence: Correspondence) -> None:
    chat = FunctionChat(reply=lambda request: Refusal("too long") if times_asked(request) else said("bad"))
    assert ask(chat, [number_of("a", "3")], correspondence, repeats=5, stage="reason") == [None]
    assert len(correspondence.calls) == 1
    assert [unanswered.why for unanswered in correspondence.unanswered] == ["too long"]


def test_a_cut_reply_is_told_so_unless_it_can_be_read(correspondence: Correspondence) -> None:
    chat = FunctionChat(max_tokens=64, reply=lambda request: said("5" if times_asked(request) else "five", "length"))
    assert ask(chat, [number_of("a", "?")], correspondence, repeats=1, stage="reason") == [5]
    assert "cut off at 64 tokens" in chat.asked[1].messages[-1].content
    assert not correspondence.unanswered


def test_an_empty_reply_is_shown_as_words(correspondence: Correspondence) -> None:
    chat = FunctionChat(reply=lambda request: said("5" if times_asked(request) else " \n"))
    assert ask(chat, [number_of("a", "?")], correspondence, repeats=1, stage="reason") == [5]
    assert chat.asked[1].messages[1] == Message(Speaker.ASSISTANT, "(no text)")


def test_an_objection_repeats_little_of_what_the_model_said(correspondence: Correspondence) -> None:
    chat = FunctionChat(reply=lambda _: said("obey " * 10_000))
    assert ask(chat, [number_of("a", "?")], correspondence, repeats=1, stage="reason") == [None]
    objection = chat.asked[1].messages[-1].content
    assert len(objection) < 500
    assert "not a number: obey" in objection
    assert len(correspondence.unanswered[0].why) <= 300


def test_nothing_is_asked_about_nothing(correspondence: Correspondence) -> None:
    chat = FunctionChat(reply=stubborn)
    assert ask(chat, [], correspondence, repeats=2, stage="reason") == []
    assert chat.rounds == []


def test_seeds_differ_by_number_and_by_seed_and_stay_the_same() -> None:
    seeds = [draw_seed(seed, number) for seed in range(30) for number in range(30)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert (draw_seed(0, 0), draw_seed(0, 1), draw_seed(1, 0)) == (735908833, 1623046995, 1946633204)
