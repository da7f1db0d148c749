from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from occpred.errors import UserError
from occpred.records import (
    CareerHistory,
    EducationEntry,
    Estimate,
    JudgedReason,
    JudgeScores,
    NextOccupationExample,
    Occupation,
    Position,
    Reason,
    RejectedRow,
    SystemMetrics,
    TrueReason,
    from_json,
    read_jsonl,
    to_json,
    write_jsonl,
)

HISTORY = CareerHistory(
    "p1",
    education=(EducationEntry("Master", "Informatik", "Universität Wien", "2001", "2006-07"),),
    positions=(Position("15-1252.00", "Développeur", "ACME", "2006-08", None, "wrote software"),),
)
RECORDS = [
    Occupation("15-1252.00", "Software Developers", 4, ("15-1253.00",), ("Coder",), "Research, design, and develop."),
    Occupation("12", "no zone"),
    HISTORY,
    NextOccupationExample("p1/1", "p1", HISTORY, "15-1253.00"),
    TrueReason("p1/1", "drawn to ideas", {"ambition": 0.7, "field": "15"}),
    RejectedRow("careers.jsonl", 3, "end before start", '{"person_id": "p2"'),
    JudgedReason(
        Reason("p1/1", 0, "They move up.", "template"), JudgeScores(5, 4, 3, ("wrong year",), (), "fine", True)
    ),
    SystemMetrics("joint", "movers", {"acc_em": Estimate(0.25, 0.2, 0.3, 100, 100)}),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_as_it_was(record: object, tmp_path: Path) -> None:
    assert from_json(type(record), to_json(record)) == record
    assert write_jsonl(tmp_path / "records.jsonl", [record, record]) == 2
    assert read_jsonl(tmp_path / "records.jsonl", type(record)) == [record, record]


# A lone half of a surrogate pair is no character and cannot be written as UTF-8.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT, TEXT, TEXT)
def test_any_text_survives_on_one_line(title: str, employer: str, description: str) -> None:
    position = Position("15-1252.00", title, employer, description=description)
    line = to_json(position)
    assert "\n" not in line
    assert from_json(Position, line) == position


def test_line_breaks_of_all_scripts_survive_a_file(tmp_path: Path) -> None:
    positions = [Position("15-1252.00", f"before{mark}after") for mark in "\n\r\v\f\x1c\x85\u2028\u2029"]
    write_jsonl(tmp_path / "positions.jsonl", positions)
    assert read_jsonl(tmp_path / "positions.jsonl", Position) == positions


def test_characters_are_kept_as_they_are() -> None:
    assert "Développeur" in to_json(HISTORY)


def test_records_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        HISTORY.person_id = "p2"  # type: ignore[misc]


def test_whoever_goes_on_in_the_last_occupation_has_not_moved() -> None:
    assert not NextOccupationExample("p1/1", "p1", HISTORY, "15-1252.00").is_move
    assert NextOccupationExample("p1/1", "p1", HISTORY, "15-1253.00").is_move


def test_a_first_position_counts_as_a_move() -> None:
    assert NextOccupationExample("p1/0", "p1", CareerHistory("p1", (), ()), "15-1252.00").is_move


@pytest.mark.parametrize(
    ("damaged", "complaint"),
    [
        ('{"person_id": "p2", "education": []}', "positions: Field required"),
        ('{"person_id": 3, "education": [], "positions": []}', "person_id: Input should be a valid string"),
        ('{"person_id": "p2", "education": [], "positions": [{"title": "x"}]}', "positions.0.occupation_code: "),
        ('{"person_id": "p2", "educ', "line: Invalid JSON"),
        ("", "line: Invalid JSON"),
    ],
)
def test_a_damaged_line_is_refused_with_its_number(tmp_path: Path, damaged: str, complaint: str) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text(f"{to_json(HISTORY)}\n{damaged}\n", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_jsonl(file, CareerHistory)
    assert str(caught.value).startswith(f"{file}, line 2: not a CareerHistory: {complaint}")


def test_one_record_alone_is_refused_by_pydantic() -> None:
    with pytest.raises(ValidationError):
        from_json(Occupation, json.dumps({"code": "15"}))


def test_no_records_make_an_empty_file(tmp_path: Path) -> None:
    assert write_jsonl(tmp_path / "none.jsonl", []) == 0
    assert read_jsonl(tmp_path / "none.jsonl", Reason) == []
