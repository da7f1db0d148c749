"""The counts a report rests on."""

from __future__ import annotations

from occpred.records import (
    CareerHistory,
    JudgedReason,
    JudgeScores,
    NextOccupationExample,
    Position,
    Reason,
    RejectedRow,
)
from occpred.report.data import DataSummary, GroupSurvival, ReasonSummary, SplitSummary


def example(person: str, last: str, target: str) -> NextOccupationExample:
    history = CareerHistory(person, (), (Position(last, last),))
    return NextOccupationExample(f"{person}/{target}", person, history, target)


def test_split_counts_people_once_and_stays() -> None:
    examples = [example("a", "x", "x"), example("a", "x", "y"), example("b", "y", "y")]
    assert SplitSummary.count("test", examples) == SplitSummary("test", people=2, examples=3, stays=2)


def test_reasons_are_counted_by_mark_group_and_leak() -> None:
    def judged(example_id: str, factuality: int, leaks: bool = False) -> JudgedReason:
        return JudgedReason(Reason(example_id, 0, "text", "teacher"), JudgeScores(factuality, 3, 5, leaks_title=leaks))

    all_judged = [judged("e1", 1), judged("e1", 5, leaks=True), judged("e2", 5), judged("e3", 2)]
    kept = all_judged[1:3]
    groups = {"e1": "Management", "e2": "Legal", "e3": "Legal"}
    summary = ReasonSummary.count("teacher", "judge", all_judged, kept, groups)
    assert (summary.judged, summary.selected, summary.leaking, summary.leaking_selected) == (4, 2, 1, 1)
    assert (summary.examples, summary.examples_selected) == (3, 2)
    assert summary.judged_marks == {
        "factuality": (1, 1, 0, 0, 2),
        "coherence": (0, 0, 4, 0, 0),
        "utility": (0, 0, 0, 0, 4),
    }
    assert summary.selected_marks["factuality"] == (0, 0, 0, 0, 2)
    assert summary.groups == (GroupSurvival("Legal", 2, 1), GroupSurvival("Management", 1, 1))


def test_rejections_are_grouped_by_kind_most_frequent_first() -> None:
    rows = tuple(
        RejectedRow("careers.jsonl", line, reason, "")
        for line, reason in enumerate(["broken JSON: column 3", "unknown code: 'a'", "unknown code: 'b'", "empty"])
    )
    kinds = DataSummary("taxonomy", 2, 1, 5, (), rejected=rows).rejections()
    assert list(kinds) == ["unknown code", "broken JSON", "empty"]
    assert kinds["unknown code"] == list(rows[1:3])
