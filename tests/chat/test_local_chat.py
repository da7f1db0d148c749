from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from occpred.chat.journal import Journal
from occpred.chat.local import LocalChat
from occpred.chat.request import ChatAnswer, ChatRequest, Message, Refusal, ReplyForm, Speaker
from occpred.errors import UserError
from occpred.language_model.backbone import EmbeddedBackbone, Precision
from occpred.language_model.device import Accelerator


@dataclass
class SmallBackbone(EmbeddedBackbone):
    """The embedded backbone, which counts how often it is loaded."""

    name: str = "tiny"
    precision: Precision = Precision.FLOAT32
    loads: ClassVar[list[str]] = []

    def load_model(self) -> PreTrainedModel:
        self.loads.append(self.name)
        return super().load_model()


@dataclass
class BackboneWithTemplate(SmallBackbone):
    """With a chat template of one's own; an empty one is none."""

    template: ClassVar[str] = ""

    def load_tokenizer(self) -> PreTrainedTokenizerBase:
        tokenizer = super().load_tokenizer()
        tokenizer.chat_template = self.template
        return tokenizer


class FailingJournal(Journal):
    """Its disk is full after some records."""

    def record(self, answers: Mapping[str, ChatAnswer]) -> None:
        if self.totals().answers >= 4:
            raise UserError("the disk is full")
        super().record(answers)


def asked(*contents: str, seed: int = 0, stop: str | None = None) -> ChatRequest:
    system, user = contents if len(contents) == 2 else ("", contents[0])
    messages = [Message(Speaker.SYSTEM, system)] if system else []
    return ChatRequest((*messages, Message(Speaker.USER, user)), seed, stop=stop)


CHAT = LocalChat(backbone=SmallBackbone(), accelerator=Accelerator.cpu, max_tokens=6, batch_size=2)
SAMPLED = replace(CHAT, temperature=1.0)
QUESTIONS = [
    asked("Which occupation comes next?"),
    asked("Be brief.", "What does this person want?"),
    asked("Positions:\n- Registered Nurses (since 2009)\n- Surgeons (since 2014)\n\n" * 2),
    asked("Why?"),
    asked("Which occupation comes next?", seed=1),
    asked("They turned away from"),
    asked("Software Developers, then"),
]


def written_by_transformers(request: ChatRequest, new_tokens: int) -> list[int]:
    """The plain way: one request, the library's own greedy search, the template of the tokenizer written out."""
    model, tokenizer = SmallBackbone().load_model(), SmallBackbone().load_tokenizer()
    prompt = "\n".join(message.content for message in request.messages) + "\n"
    inputs = tokenizer(prompt, return_tensors="pt")
    with torch.no_grad():
        output_BT = model.generate(**inputs, max_new_tokens=new_tokens, do_sample=False)
    return [inputs.input_ids.shape[1], *output_BT[0, inputs.input_ids.shape[1] :].tolist()]


def test_answers_are_what_the_model_writes_to_each_request_alone(tmp_path: Path) -> None:
    tokenizer = SmallBackbone().load_tokenizer()
    answers = CHAT.answer(QUESTIONS[:4], tmp_path, "ask")
    for request, answer in zip(QUESTIONS, answers, strict=False):
        prompt_tokens, *ids = written_by_transformers(request, 6)
        assert answer == ChatAnswer(tokenizer.decode(ids), prompt_tokens, 6, "length")
    assert len({answer.text for answer in answers if isinstance(answer, ChatAnswer)}) > 1


def test_a_stop_ends_an_answer_and_is_no_part_of_it(tmp_path: Path) -> None:
    whole, again = CHAT.answer([QUESTIONS[0], asked("Which occupation comes next?", stop="never")], tmp_path, "ask")
    assert whole == again
    assert isinstance(whole, ChatAnswer)
    stop = whole.text[5:8]
    stopped = CHAT.answer([asked("Which occupation comes next?", stop=stop)], tmp_path, "ask")[0]
    assert isinstance(stopped, ChatAnswer)
    assert (stopped.text, stopped.finish_reason) == (whole.text[: whole.text.index(stop)], "stop")
    assert stopped.completion_tokens < whole.completion_tokens


def test_an_answer_depends_on_neither_order_nor_company(tmp_path: Path) -> None:
    once = SAMPLED.answer(QUESTIONS, tmp_path / "once", "ask")
    backwards = SAMPLED.answer(QUESTIONS[::-1], tmp_path / "backwards", "ask")
    alone = replace(SAMPLED, batch_size=1).answer(QUESTIONS[2:4], tmp_path / "alone", "ask")
    assert backwards == once[::-1]
    assert alone == once[2:4]


def test_a_seed_makes_another_draw_of_the_same_question(tmp_path: Path) -> None:
    seeds = [asked("Why?", seed=seed) for seed in (0, 1, 2**31 - 1)]
    answers = SAMPLED.answer([*seeds, seeds[0]], tmp_path, "ask")
    assert len({answer.text for answer in answers[:3] if isinstance(answer, ChatAnswer)}) == 3
    assert answers[3] == answers[0]


def test_what_is_answered_is_not_asked_again(tmp_path: Path) -> None:
    SmallBackbone.loads.clear()
    first = CHAT.answer(QUESTIONS[:2], tmp_path, "ask")
    assert (CHAT.answered(QUESTIONS, tmp_path), len(SmallBackbone.loads)) == (2, 1)
    assert replace(CHAT, batch_size=1).answer(QUESTIONS[1::-1], tmp_path, "ask") == first[::-1]
    assert len(SmallBackbone.loads) == 1
    CHAT.answer(QUESTIONS, tmp_path, "ask")
    assert (CHAT.answered(QUESTIONS, tmp_path), len(SmallBackbone.loads)) == (len(QUESTIONS), 2)
    assert CHAT.answer([], tmp_path, "ask") == []


def test_a_run_that_is_resumed_ends_like_one_that_was_never_stopped(tmp_path: Path) -> None:
    undisturbed = SAMPLED.answer(QUESTIONS, tmp_path / "undisturbed", "ask")
    requests = {SAMPLED.key(request): request for request in QUESTIONS}
    journal = FailingJournal(SAMPLED.journal(tmp_path / "stopped").path)
    with pytest.raises(UserError, match="full"):
        SAMPLED.ask(requests, journal, "ask")
    assert SAMPLED.answered(QUESTIONS, tmp_path / "stopped") == 4
    assert SAMPLED.answer(QUESTIONS, tmp_path / "stopped", "ask") == undisturbed


@pytest.mark.parametrize(
    "other",
    [
        replace(CHAT, temperature=0.5),
        replace(CHAT, max_tokens=7),
        replace(CHAT, template_options={"enable_thinking": False}),
        replace(CHAT, backbone=SmallBackbone(revision="2")),
        replace(CHAT, backbone=SmallBackbone(precision=Precision.BFLOAT16)),
        replace(CHAT, backbone=SmallBackbone(random_init=True)),
        replace(CHAT, backbone=SmallBackbone(random_init=True, seed=1)),
        replace(CHAT, backbone=EmbeddedBackbone("tiny", precision=Precision.FLOAT32)),
    ],
)
def test_another_model_or_sampling_is_another_question(other: LocalChat) -> None:
    assert other.key(QUESTIONS[0]) != CHAT.key(QUESTIONS[0])


def test_each_part_of_a_request_counts_but_the_form_that_cannot_be_enforced() -> None:
    requests = [
        *QUESTIONS,
        asked("Why?", stop="."),
        asked("Why", "?"),
        ChatRequest((Message(Speaker.ASSISTANT, "Why?"),)),
        asked("Why?").answered("Because.", "Again."),
    ]
    assert len({CHAT.key(request) for request in requests}) == len(requests)
    form = ReplyForm("form", {"type": "object"})
    assert CHAT.key(replace(QUESTIONS[0], form=form)) == CHAT.key(QUESTIONS[0])
    assert replace(CHAT, batch_size=7, accelerator=Accelerator.auto).key(QUESTIONS[0]) == CHAT.key(QUESTIONS[0])
    assert replace(CHAT, backbone=SmallBackbone(seed=3)).key(QUESTIONS[0]) == CHAT.key(QUESTIONS[0])


def test_a_request_that_does_not_fit_the_model_is_refused_and_the_others_are_answered(tmp_path: Path) -> None:
    chat = replace(CHAT, max_tokens=2)
    long, short = chat.answer([asked("a b c d " * 2000), asked("Why?")], tmp_path, "ask")
    assert isinstance(long, Refusal)
    assert long.why.endswith("tokens and 2 for the answer; tiny reads 4096 at most")
    assert isinstance(short, ChatAnswer)
    assert chat.answered([asked("a b c d " * 2000), asked("Why?")], tmp_path) == 1


def test_without_a_chat_template_texts_are_joined_by_blank_lines(tmp_path: Path) -> None:
    chat = replace(CHAT, backbone=BackboneWithTemplate(), max_tokens=4)
    joined = replace(CHAT, max_tokens=4).answer([asked("Be brief.\n\nWhy")], tmp_path / "joined", "ask")[0]
    answer = chat.answer([asked("Be brief.", "Why\n")], tmp_path / "blank", "ask")[0]
    assert answer == joined, "the embedded template ends with a line break too"


def test_a_template_may_be_told_more_and_may_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = "{% if not calm %}{{ raise_exception('no system message') }}{% endif %}{{ messages[0].content + '\n' }}"
    monkeypatch.setattr(BackboneWithTemplate, "template", template)
    chat = replace(CHAT, backbone=BackboneWithTemplate(), max_tokens=4)
    with pytest.raises(UserError, match=r"its chat template does not take such messages; .*: no system message"):
        chat.answer([asked("Why?")], tmp_path, "ask")
    calm = replace(chat, template_options={"calm": True}).answer([asked("Why?")], tmp_path, "ask")
    assert calm == replace(CHAT, max_tokens=4).answer([asked("Why?")], tmp_path, "ask")


def test_what_is_said_of_it() -> None:
    assert (CHAT.label, CHAT.destination, CHAT.charged(10**6, 10**6)) == ("tiny", "this machine", {})
    assert CHAT.journal(Path("journals")).path.name.startswith("this-machine-tiny-")
