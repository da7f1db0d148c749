from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.reasons.clauses import conclusions, reports, split_clauses, split_sentences


@pytest.mark.parametrize(
    ("text", "reported", "concluded"),
    [
        (
            "After five years as a nurse, she wants to become a doctor.",
            ["After five years as a nurse, she "],
            ["wants to become a doctor."],
        ),
        (
            "She will probably move up because she worked at Acme.",
            ["She ", "because she worked at Acme."],
            ["will probably move up "],
        ),
        ("A person who was a doctor.", ["A person who was a doctor."], []),
        ("It suggests a person who was a doctor.", ["It ", "was a doctor."], ["suggests a person who "]),
        ("She worked there in May 2015.", ["She worked there in May 2015."], []),
        ('A note says "ready for more".', ['A note says "ready for more".'], []),
        ("Next, she worked as a cook.", ["Next, she worked as a cook."], []),
        ("The next job is this one.", ["The "], ["next job is this one."]),
    ],
)
def test_reports_and_conclusions(text: str, reported: list[str], concluded: list[str]) -> None:
    assert reports(text) == reported
    assert conclusions(text) == concluded


def test_each_sentence_begins_as_a_report() -> None:
    assert conclusions("She wants more. She left.") == ["wants more."]


@given(st.text() | st.lists(st.sampled_from(["wants ", "because ", '"', ". ", "was ", "x"])).map("".join))
def test_clauses_put_together_are_the_sentences(text: str) -> None:
    assert "".join(clause.text for clause in split_clauses(text)) == "".join(split_sentences(text))
