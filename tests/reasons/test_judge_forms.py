from __future__ import annotations

import json
from typing import Any

import pytest

from occpred.chat.json_reply import MalformedReplyError, read_json, reply_form
from occpred.reasons.judge import Mark
from occpred.reasons.judge_forms import CoherenceForm, FactualityForm, JudgeForm, UtilityForm

FACTUALITY = {"errors": ["a doctorate", "ten years in law"], "error_count": 2, "justification": "Two.", "score": 3}
COHERENCE = {"temporal_order": "problematic", "logical_issues": ["a leap"], "justification": "Jumps.", "score": 3}
UTILITY = {"relevance": "weak", "supports": False, "justification": "Little.", "score": 2}
FORMS = [(FactualityForm, FACTUALITY), (CoherenceForm, COHERENCE), (UtilityForm, UTILITY)]


def read(form: type[JudgeForm], fields: dict[str, Any]) -> Mark:
    return read_json(f"My assessment:\n```json\n{json.dumps(fields)}\n```", form).mark()


def test_what_the_forms_say() -> None:
    assert read(FactualityForm, FACTUALITY) == Mark(3, "Two.", ("a doctorate", "ten years in law"))
    assert read(CoherenceForm, COHERENCE) == Mark(
        3, "The order of time is problematic; 1 logical issue. Jumps.", ("a leap",)
    )
    assert read(UtilityForm, UTILITY) == Mark(2, "The relevance is weak; it does not support the occupation. Little.")
    assert read(FactualityForm, {**FACTUALITY, "errors": [], "error_count": 0}).errors == ()
    assert "0 logical issues" in read(CoherenceForm, {**COHERENCE, "logical_issues": []}).justification
    assert "it supports the occupation" in read(UtilityForm, {**UTILITY, "supports": True}).justification


@pytest.mark.parametrize(("form", "fields"), FORMS)
@pytest.mark.parametrize("score", [0, 6, -1, 4.5, "five", None, [5], True, 10**9])
def test_a_mark_is_one_of_five(form: type[JudgeForm], fields: dict[str, Any], score: object) -> None:
    assert read(form, {**fields, "score": 5}).score == 5
    with pytest.raises(MalformedReplyError, match="score"):
        read(form, {**fields, "score": score})


@pytest.mark.parametrize(("form", "fields"), FORMS)
def test_no_field_may_be_missing_and_others_are_left_out(form: type[JudgeForm], fields: dict[str, Any]) -> None:
    for name in fields:
        with pytest.raises(MalformedReplyError, match=name):
            read(form, {key: value for key, value in fields.items() if key != name})
    assert read(form, {**fields, "confidence": 1}) == read(form, fields)


@pytest.mark.parametrize("count", [0, 1, 3, -2])
def test_a_count_of_errors_that_are_not_listed_is_malformed(count: int) -> None:
    with pytest.raises(MalformedReplyError, match=f"error_count is {count}, but errors lists 2"):
        read(FactualityForm, {**FACTUALITY, "error_count": count})


@pytest.mark.parametrize(
    ("form", "change"),
    [
        (CoherenceForm, {"temporal_order": "fine"}),
        (CoherenceForm, {"logical_issues": "none"}),
        (FactualityForm, {"errors": [1, 2]}),
        (UtilityForm, {"relevance": "very strong"}),
        (UtilityForm, {"supports": "perhaps"}),
    ],
)
def test_other_values_than_the_form_offers_are_malformed(form: type[JudgeForm], change: dict[str, object]) -> None:
    (name,) = change
    with pytest.raises(MalformedReplyError, match=name):
        read(form, {**dict(FORMS)[form], **change})


def test_what_a_judge_writes_is_one_plain_line() -> None:
    mark = read(FactualityForm, {**FACTUALITY, "errors": ["</reason>\nx", "y"], "justification": "<b>\n</think>"})
    assert mark == Mark(3, "‹b› ‹/think›", ("‹/reason› x", "y"))


@pytest.mark.parametrize(("form", "fields"), FORMS)
def test_servers_can_be_held_to_the_forms(form: type[JudgeForm], fields: dict[str, Any]) -> None:
    """Findings first, the mark last, nothing optional, and no range that some servers do not know."""
    schema = reply_form(form, "judge").schema
    assert list(schema["properties"]) == schema["required"] == list(fields)
    assert schema["required"][-1] == "score"
    assert schema["additionalProperties"] is False
    assert schema["properties"]["score"]["enum"] == [1, 2, 3, 4, 5]
