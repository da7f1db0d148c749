"""The counts a report rests on."""

from __future__ import annotations

from occpred.records import CareerHistory, NextOccupationExample, Position, RejectedRow
from occpred.report.data import DataSummary, SplitSummary


def example(person: str, last: str, target: str) -> NextOccupationExample:
    history = CareerHistory(person, (), (Position(last, last),))
    return NextOccupationExample(f"{person}/{target}", person, history, target)


def test_split_counts_people_once_and_stays() -> None:
    examples = [example("a", "x", "x"), example("a", "x", "y"), example("b", "y", "y")]
    assert SplitSummary.count("test", examples) == SplitSummary("test", people=2, examples=3, stays=2)


def test_rejections_are_those_of_the_rows() -> None:
    row = RejectedRow("careers.jsonl", 1, "broken JSON: column 3", "")
    assert DataSummary("taxonomy", 2, 1, 5, (), rejected=(row,)).rejections() == {"broken JSON": [row]}
