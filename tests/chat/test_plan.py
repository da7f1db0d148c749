from __future__ import annotations

from pathlib import Path

from occpred.chat.plan import plan_calls
from occpred.chat.privacy import Privacy
from occpred.chat.request import ChatRequest, Message, Speaker
from tests.chat.function_chat import FunctionChat, said


def request_of(text: str, seed: int = 0) -> ChatRequest:
    return ChatRequest((Message(Speaker.SYSTEM, "12345678"), Message(Speaker.USER, text)), seed)


def test_a_plan_by_hand() -> None:
    chat = FunctionChat(max_tokens=50, known=1, reply=lambda _: said(""))
    # 4 bytes a token, and 4 tokens a message: 10 tokens and 4, 5 or 6 of the second message.
    requests = [request_of("x" * 16), request_of("x" * 20), request_of("x" * 24), request_of("x" * 20)]
    planned = plan_calls(chat, requests, question="reason", privacy=Privacy(), journals=Path("none"))
    assert (planned.calls, planned.answered) == (3, 1)
    assert planned.prompt_tokens == 30  # two thirds of 14 + 15 + 16
    assert planned.completion_tokens == 100
    assert planned.cost == {"USD": 2.0 * 30 + 8.0 * 100}
    assert planned.example == f"[system]\n12345678\n\n[user]\n{'x' * 16}"


def test_another_seed_is_another_call() -> None:
    chat = FunctionChat(reply=lambda _: said(""))
    requests = [request_of("x", seed) for seed in (0, 1, 0)]
    assert plan_calls(chat, requests, question="reason", privacy=Privacy(), journals=Path("none")).calls == 2


def test_nothing_is_planned_for_nothing() -> None:
    chat = FunctionChat(reply=lambda _: said(""))
    planned = plan_calls(chat, [], question="reason", privacy=Privacy(), journals=Path("none"))
    assert (planned.calls, planned.prompt_tokens, planned.completion_tokens, planned.cost) == (0, 0, 0, {"USD": 0.0})
    assert planned.example == ""
