from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from occpred.chat.correspondence import Correspondence
from occpred.chat.dialogue import draw_seed
from occpred.chat.privacy import Field, Privacy
from occpred.chat.request import ChatAnswer, ChatRequest, Refusal
from occpred.reasons.language_model_teacher import LanguageModelTeacher
from occpred.records import CareerHistory, NextOccupationExample, Position, Reason
from occpred.settings import SettingError
from occpred.taxonomy.taxonomy import Taxonomy
from tests.chat.function_chat import FunctionChat, digest_of, said, words_of

TARGET = "Medical and Health Services Managers"


def wrote(reason: str) -> ChatAnswer:
    return said(f"<think>{reason}</think><answer>Registered Nurses</answer>")


def by_seed(request: ChatRequest) -> ChatAnswer:
    return wrote(f"seed {request.seed}")


@pytest.fixture
def correspondence(tmp_path: Path) -> Correspondence:
    return Correspondence(tmp_path)


@pytest.fixture
def examples(mover: NextOccupationExample) -> list[NextOccupationExample]:
    other = CareerHistory("p2", (), (Position("11-9111.00", "Head of a ward", start="2011"),), name="Ada Quill")
    return [mover, NextOccupationExample("p2/1", "p2", other, "29-1141.00")]


def test_reasons_come_by_example_and_candidate_and_say_who_wrote_them(
    examples: list[NextOccupationExample], taxonomy: Taxonomy, correspondence: Correspondence
) -> None:
    chat = FunctionChat(temperature=1.0, reply=by_seed)
    teacher = LanguageModelTeacher(chat=chat, seed=3)
    assert list(teacher.propose(examples, taxonomy, [0, 2], correspondence)) == [
        Reason(name, candidate, f"seed {draw_seed(3, candidate)}", "function, blind")
        for name in ("p1/3", "p2/1")
        for candidate in (0, 2)
    ]
    assert [(call.example_id, call.candidate, call.question) for call in correspondence.calls] == [
        ("p1/3", 0, "reason"),
        ("p1/3", 2, "reason"),
        ("p2/1", 0, "reason"),
        ("p2/1", 2, "reason"),
    ]
    aware = LanguageModelTeacher(chat=chat, sees_target=True)
    assert [reason.source for reason in aware.propose(examples, taxonomy, [1], correspondence)] == [
        "function, answer-aware"
    ] * 2


def test_only_an_answer_aware_teacher_is_told_the_answer(
    examples: list[NextOccupationExample], taxonomy: Taxonomy, correspondence: Correspondence
) -> None:
    chat = FunctionChat(temperature=1.0, reply=by_seed)
    for sees_target in (False, True):
        list(
            LanguageModelTeacher(chat=chat, sees_target=sees_target).propose(
                examples[:1], taxonomy, [0], correspondence
            )
        )
    blind, aware = map(words_of, chat.asked)
    assert TARGET not in blind
    assert "11-9111" not in blind
    assert TARGET in aware
    assert all("Registered Nurses" in text for text in (blind, aware))


def test_by_default_neither_name_nor_employers_nor_descriptions_leave(
    mover: NextOccupationExample, taxonomy: Taxonomy, correspondence: Correspondence
) -> None:
    named = replace(mover, history=replace(mover.history, name="Ada Quill"))
    chat = FunctionChat(temperature=1.0, reply=by_seed)
    for teacher in (
        LanguageModelTeacher(chat=chat),
        LanguageModelTeacher(chat=chat, sees_target=True),
        LanguageModelTeacher(chat=chat, privacy=Privacy(allowed=list(Field))),
    ):
        list(teacher.propose([named], taxonomy, [0], correspondence))
    *limited, free = map(words_of, chat.asked)
    private = ("Hillside Care", "St. Mary", "night shifts", "Ghent")
    assert not [text for text in limited for secret in private if secret in text]
    assert all(secret in free for secret in private)
    assert not [text for text in (*limited, free) for secret in ("Ada", "Quill", "p1") if secret in text]
    assert all("Ward Nurse" in text for text in limited)


def test_a_reason_is_kept_as_one_plain_line(
    mover: NextOccupationExample, taxonomy: Taxonomy, correspondence: Correspondence
) -> None:
    chat = FunctionChat(temperature=1.0, reply=lambda _: wrote("\n She likes\x00 care.\n\n<b>Much.</b>\u200b "))
    [reason] = LanguageModelTeacher(chat=chat).propose([mover], taxonomy, [0], correspondence)
    assert reason.text == "She likes care. ‹b›Much.‹/b›"


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (said("She likes care."), "no explanation between <think> and </think>"),
        (said("<think>She likes", "length"), "cut off at 512 tokens"),
        (wrote(" \n"), "no explanation"),
        (wrote("care " * 21), "has 21 words; at most 20"),
    ],
)
def test_a_malformed_reply_is_asked_again_and_then_given_up(
    reply: ChatAnswer,
    why: str,
    examples: list[NextOccupationExample],
    taxonomy: Taxonomy,
    correspondence: Correspondence,
) -> None:
    def answer(request: ChatRequest) -> ChatAnswer:
        good = "Head of a ward" in words_of(request) and len(request.messages) > 1
        return wrote("Fine.") if good else reply

    chat = FunctionChat(temperature=1.0, reply=answer)
    teacher = LanguageModelTeacher(chat=chat, max_words=20, repeats=1)
    reasons = list(teacher.propose(examples, taxonomy, [1], correspondence))
    assert [(reason.example_id, reason.text) for reason in reasons] == [("p2/1", "Fine.")]
    assert why in chat.rounds[1][0].messages[-1].content
    [given_up] = correspondence.unanswered
    assert (given_up.example_id, given_up.candidate, given_up.question) == ("p1/3", 1, "reason")
    assert len(correspondence.calls) == 4


def test_a_refused_reason_is_left_out(
    mover: NextOccupationExample, taxonomy: Taxonomy, correspondence: Correspondence
) -> None:
    teacher = LanguageModelTeacher(chat=FunctionChat(temperature=1.0, reply=lambda _: Refusal("filtered")))
    assert list(teacher.propose([mover], taxonomy, [0, 1], correspondence)) == []
    assert [(each.candidate, each.why) for each in correspondence.unanswered] == [(0, "filtered"), (1, "filtered")]


def test_candidates_and_teachers_differ_by_seed_alone(
    mover: NextOccupationExample, taxonomy: Taxonomy, correspondence: Correspondence
) -> None:
    chat = FunctionChat(temperature=1.0, reply=by_seed)
    for seed in (0, 1):
        list(LanguageModelTeacher(chat=chat, seed=seed).propose([mover], taxonomy, range(4), correspondence))
    assert len({request.seed for request in chat.asked}) == 8
    assert len({request.messages for request in chat.asked}) == 1


def test_several_candidates_need_a_temperature() -> None:
    with pytest.raises(SettingError, match=r"^LanguageModelTeacher\.num_candidates=4: at chat\.temperature=0 .*[^\n]$"):
        LanguageModelTeacher(chat=FunctionChat(reply=by_seed))
    LanguageModelTeacher(chat=FunctionChat(reply=by_seed), num_candidates=1)
    LanguageModelTeacher(num_candidates=4)  # the chat comes later


def test_the_plan_counts_what_would_be_asked_and_asks_nothing(
    examples: list[NextOccupationExample], taxonomy: Taxonomy, tmp_path: Path
) -> None:
    chat = FunctionChat(temperature=1.0, max_tokens=100, known=1, reply=by_seed)
    teacher = LanguageModelTeacher(chat=chat)
    [planned] = teacher.plan([*examples, examples[0]], taxonomy, [0, 1], tmp_path)
    assert (planned.question, planned.model, planned.destination) == ("reason", "function", "this test")
    assert (planned.calls, planned.answered, planned.completion_tokens) == (4, 1, 300)
    assert planned.leaves == Privacy().describe()
    assert planned.cost == {"USD": 2.0 * planned.prompt_tokens + 8.0 * 300}
    assert chat.rounds == []
    list(teacher.propose(examples[:1], taxonomy, [0], Correspondence(tmp_path)))
    assert planned.example == f"[user]\n{words_of(chat.asked[0])}"


@pytest.mark.parametrize(("sees_target", "digest"), [(False, "099a17bb029e"), (True, "99d84908fff5")])
def test_what_is_asked_changes_on_purpose_only(
    sees_target: bool, digest: str, mover: NextOccupationExample, taxonomy: Taxonomy, correspondence: Correspondence
) -> None:
    """Another wording asks everything anew, for money: should it have changed, say so here."""
    chat = FunctionChat(temperature=1.0, reply=by_seed)
    list(LanguageModelTeacher(chat=chat, sees_target=sees_target).propose([mover], taxonomy, [0], correspondence))
    assert digest_of(chat.asked) == digest
