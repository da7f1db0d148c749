"""What is sent for a request, and what names it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from occpred.chat.budget import Budget
from occpred.chat.journal import Journal
from occpred.chat.prices import Prices
from occpred.chat.remote import RemoteChat
from occpred.chat.request import ChatAnswer, ChatRequest, Message, Refusal, ReplyForm, Speaker
from occpred.settings import SettingError


@dataclass
class CarrierPigeon(RemoteChat):
    """Answers with the request's last words; refuses what says `no`."""

    flights: list[int] = dataclasses.field(default_factory=list)

    @property
    def destination(self) -> str:
        return "the loft"

    def ask(
        self, requests: Mapping[str, ChatRequest], journal: Journal, stage: str
    ) -> Mapping[str, ChatAnswer | Refusal]:
        self.flights.append(len(requests))
        texts = {key: request.messages[-1].content for key, request in requests.items()}
        journal.record({key: ChatAnswer(text, 3, 2) for key, text in texts.items() if text != "no"})
        return {key: Refusal("no") if text == "no" else ChatAnswer(text, 3, 2) for key, text in texts.items()}


def request(text: str = "why?", **fields: Any) -> ChatRequest:
    return ChatRequest((Message(Speaker.SYSTEM, "Be brief."), Message(Speaker.USER, text)), **fields)


FORM = ReplyForm("mark", {"type": "object", "properties": {"score": {"type": "integer"}}})
PIGEON = CarrierPigeon(model="m", temperature=0.5, max_tokens=64)


def test_the_body_is_a_chat_completions_request() -> None:
    chat = replace(PIGEON, top_p=0.9, extra_body={"reasoning_effort": "low"})
    assert chat.body(request("why?", seed=7, form=FORM, stop="</answer>")) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "why?"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_completion_tokens": 64,
        "seed": 7,
        "stop": ["</answer>"],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "mark", "schema": dict(FORM.schema), "strict": True},
        },
        "reasoning_effort": "low",
    }


def test_zeros_are_sent_and_nothing_is_not() -> None:
    body = replace(PIGEON, temperature=0.0).body(request())
    assert (body["seed"], body["temperature"]) == (0, 0.0)
    assert not {"top_p", "stop", "response_format"} & body.keys()
    assert "seed" not in replace(PIGEON, extra_body={"seed": None}).body(request())
    assert "response_format" not in replace(PIGEON, structured_output=False).body(request(form=FORM))


def test_a_broken_character_can_be_sent() -> None:
    assert PIGEON.body(request("a\ud800b"))["messages"][1]["content"] == "a?b"
    assert PIGEON.key(request("a\ud800b"))


def test_the_key_depends_on_what_is_asked_of_which_model_and_on_nothing_else() -> None:
    asked = request("why?", seed=7, form=FORM)
    key = PIGEON.key(asked)
    # Fixed for ever: another one would have every journal asked again, for money.
    assert key == "06dbad0c9f591c29ff60728eab440f6e4fddf926f15556ca38078501c4d806b2"
    same = replace(PIGEON, prices=Prices(1.0, 2.0), budget=Budget(1.0, 5))
    assert same.key(request("why?", seed=7, form=ReplyForm("mark", dict(reversed(FORM.schema.items()))))) == key
    assert replace(PIGEON, temperature=1).key(asked) == replace(PIGEON, temperature=1.0).key(asked)
    others = [
        *(
            replace(PIGEON, **change).key(asked)
            for change in (
                {"model": "n"},
                {"revision": "2"},
                {"temperature": 0.6},
                {"max_tokens": 65},
                {"top_p": 0.5},
                {"extra_body": {"a": 1}},
            )
        ),
        *(
            PIGEON.key(other)
            for other in (
                request("why", seed=7, form=FORM),
                request("why?", seed=8, form=FORM),
                request("why?", seed=7),
                request("why?", seed=7, form=FORM, stop="."),
                asked.answered("so", "no"),
            )
        ),
    ]
    assert len({key, *others}) == len(others) + 1


def test_each_model_has_a_journal(tmp_path: Path) -> None:
    names = [
        replace(PIGEON, model=model).journal(tmp_path).path
        for model in ("org/Model-1.5", "org-Model-1.5", "ORG/model-1.5", "../..", "模型")
    ]
    assert len(set(names)) == len(names)
    assert all(path.parent == tmp_path and path.name[0] not in "./" for path in names)
    assert names[0].name.startswith("org-Model-1.5-")
    assert replace(PIGEON, revision="2").journal(tmp_path) == PIGEON.journal(tmp_path)


def test_equal_requests_are_asked_once_and_answers_come_in_order(tmp_path: Path) -> None:
    pigeon = replace(PIGEON, flights=[])
    texts = ["a", "b", "a", "no", "b", "c"]
    asked = [request(text) for text in texts]
    assert pigeon.answered(asked, tmp_path) == 0
    wanted = [Refusal("no") if text == "no" else ChatAnswer(text, 3, 2) for text in texts]
    assert pigeon.answer(asked, tmp_path, "test") == wanted
    assert pigeon.answered(asked, tmp_path) == 3
    assert pigeon.answer(asked, tmp_path, "test") == wanted  # what was refused is asked again
    assert pigeon.answer([request("c"), request("a")], tmp_path, "test") == [wanted[5], wanted[0]]
    assert pigeon.flights == [4, 1]
    assert pigeon.answer([], tmp_path, "test") == []


def test_answers_from_the_journal_need_no_lock(tmp_path: Path) -> None:
    pigeon = replace(PIGEON, flights=[])
    pigeon.answer([request("a")], tmp_path, "test")
    with pigeon.journal(tmp_path).lock():
        assert pigeon.answer([request("a")], tmp_path, "test") == [ChatAnswer("a", 3, 2)]


@pytest.mark.parametrize("name", ["model", "messages", "n", "stream"])
def test_fields_that_decide_what_is_asked_cannot_be_set_aside(name: str) -> None:
    with pytest.raises(SettingError, match=rf"extra_body: {name} cannot be set there"):
        CarrierPigeon(model="m", extra_body={name: 1})


def test_a_cost_needs_prices() -> None:
    with pytest.raises(SettingError, match=r"budget.max_cost=5.0: needs prices"):
        CarrierPigeon(model="m", budget=Budget(max_cost=5.0))
    priced = CarrierPigeon(model="m", budget=Budget(max_cost=5.0), prices=Prices(completion_per_million=8.0))
    assert priced.cost(1000, 1000) == pytest.approx(0.008)
    assert priced.charged(1000, 1000) == {"USD": pytest.approx(0.008)}
    assert CarrierPigeon(model="m").charged(1000, 1000) == {}


def test_the_most_that_a_request_can_cost() -> None:
    chat = replace(PIGEON, prices=Prices(prompt_per_million=1.0, completion_per_million=1000.0))
    assert chat.most_cost({"model": "é", "max_completion_tokens": 64}) == pytest.approx(0.064 + 41e-6)  # 41 bytes
    assert chat.most_cost({"max_tokens": 100, "max_completion_tokens": 9}) == pytest.approx(0.1 + 44e-6)
    assert chat.most_cost({}) == pytest.approx(0.064 + 2e-6)
