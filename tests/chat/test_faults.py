"""Hundreds of calls of which a third goes wrong; tests/stages asks thousands."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from occpred.chat.completion import read_completion
from occpred.chat.endpoint import EndpointChat
from occpred.chat.remote import RemoteChat
from occpred.chat.request import ChatAnswer, ChatRequest, Message, Refusal, ReplyForm, Speaker
from tests.servers.fault_proxy import EVERY_FAULT, Fault, evenly, fault_proxy
from tests.servers.scripted_server import completion, hash_of, is_refused, scripted_server

PEOPLE, CANDIDATES, CRITERIA = 50, 3, ("factuality", "coherence", "utility")
FAULTS = {**evenly(0.32), Fault.STALLED: 0.002}  # the rare one costs a time-out each; 30% together
REFUSED = 0.01
MARK = ReplyForm(
    "mark",
    {
        "type": "object",
        "properties": {
            "score": {"type": "integer", "minimum": 1, "maximum": 5},
            "errors": {"type": "array", "items": {"type": "string"}},
        },
    },
)

Exchange = list[tuple[ChatRequest, ChatAnswer | Refusal]]


def ask_for_reasons_and_marks(chat: RemoteChat, journals: Path) -> Exchange:
    """Reasons for all people, and the three marks of every reason that there is."""
    reasons = put(
        chat,
        journals,
        "reason",
        [
            ChatRequest((Message(Speaker.USER, f"Why, person {person}?"),), seed=candidate)
            for person in range(PEOPLE)
            for candidate in range(CANDIDATES)
        ],
    )
    texts = [answer.text for _, answer in reasons if isinstance(answer, ChatAnswer)]
    marks = put(
        chat,
        journals,
        "judge",
        [
            ChatRequest((Message(Speaker.USER, f"Mark the {criterion} of {text}"),), form=MARK)
            for text in texts
            for criterion in CRITERIA
        ],
    )
    return reasons + marks


def put(chat: RemoteChat, journals: Path, stage: str, requests: Sequence[ChatRequest]) -> Exchange:
    return list(zip(requests, chat.answer(requests, journals, stage), strict=True))


def undisturbed(chat: RemoteChat, request: ChatRequest) -> ChatAnswer | None:
    """What the server says when nothing is in the way; `None` where it refuses."""
    body = chat.body(request)
    if is_refused(body, REFUSED):
        return None
    answer = read_completion(completion(body, random.Random(hash_of(body)), is_malformed=False).body, request)
    assert isinstance(answer, ChatAnswer)
    return answer


def test_all_calls_end_as_if_nothing_had_gone_wrong_and_none_is_paid_for_twice(tmp_path: Path) -> None:
    with scripted_server(refused=REFUSED) as server, fault_proxy(server, faults=FAULTS) as proxy:
        chat = EndpointChat(
            model="scripted",
            base_url=proxy.base_url,
            concurrency=16,
            max_attempts=12,
            timeout_seconds=2,
            backoff_seconds=0.02,
        )
        exchange = ask_for_reasons_and_marks(chat, tmp_path)
        paid, injected = server.stats(), proxy.stats()

    refused = 0
    for request, outcome in exchange:
        wanted = undisturbed(chat, request)
        if wanted is None:
            assert isinstance(outcome, Refusal)
            assert "content policy" in outcome.why
            refused += 1
        else:
            assert outcome == wanted
    assert 0 < refused < 0.03 * len(exchange)
    assert len(exchange) > PEOPLE * CANDIDATES * 3.8  # a refused reason is not marked

    keys = {chat.key(request) for request, _ in exchange}
    assert len(keys) == len(exchange) == len(paid["bodies"])
    assert paid["asked"].keys() == keys
    assert set(paid["asked"].values()) == {1}
    assert sum(paid["delivered"].values()) == len(keys) - refused
    assert set(injected["forwarded"].values()) == {1}
    assert injected["faults"].keys() == {fault.name for fault in EVERY_FAULT}
    assert 0.25 < sum(injected["faults"].values()) / injected["attempts"] < 0.35
