"""What became of the oracle's reasons, counted by hand."""

from __future__ import annotations

import pytest

from occpred.records import JudgedReason, JudgeScores, Reason, RejectedRow, Unanswered
from occpred.report.reason_data import GroupSurvival, ReasonSummary, SetAside, Spending, by_kind

GROUPS = {"e1": "Management", "e2": "Legal", "e3": "Legal", "e4": "Sales"}


def reason(example_id: str, candidate: int = 0) -> Reason:
    return Reason(example_id, candidate, "text", "teacher")


def judged(example_id: str, factuality: int, candidate: int = 0, leaks: bool = False) -> JudgedReason:
    return JudgedReason(reason(example_id, candidate), JudgeScores(factuality, 3, 5, leaks_title=leaks))


@pytest.fixture(scope="module")
def summary() -> ReasonSummary:
    """Four examples. The third kept nothing, of the fourth the teacher had nothing to say, though it was asked."""
    proposed = [reason("e1"), reason("e1", 1), reason("e2"), reason("e3"), reason("e3", 1)]
    all_judged = [judged("e1", 1), judged("e1", 5, 1, leaks=True), judged("e2", 5), judged("e3", 2)]
    spending = {
        "e1": Spending(8, 800, {"USD": 0.5}),
        "e2": Spending(4, 400, {"USD": 0.25, "EUR": 1.0}),
        "e3": Spending(6, 600, {"USD": 0.25}),
        "e4": Spending(2, 50),
    }
    unanswered = [
        Unanswered("e3", 1, "utility", "big", "no JSON in the reply"),
        Unanswered("e4", 0, "reason", "big", "refused: policy"),
        Unanswered("e4", 1, "reason", "big", "refused: policy"),
        Unanswered("e4", 2, "reason", "big", "time out"),
    ]
    return ReasonSummary.count("teacher", "judge", proposed, all_judged, all_judged[1:3], GROUPS, spending, unanswered)


def test_marks_and_leaks_are_counted(summary: ReasonSummary) -> None:
    assert (summary.judged, summary.selected, summary.leaking, summary.leaking_selected) == (4, 2, 1, 1)
    assert summary.judged_marks == {
        "factuality": (1, 1, 0, 0, 2),
        "coherence": (0, 0, 4, 0, 0),
        "utility": (0, 0, 0, 0, 4),
    }
    assert summary.selected_marks["factuality"] == (0, 0, 0, 0, 2)


def test_survival_and_cost_by_group(summary: ReasonSummary) -> None:
    legal, management, sales = summary.groups
    assert legal == GroupSurvival("Legal", 2, 1, 3, 1, Spending(10, 1000, {"USD": 0.5, "EUR": 1.0}))
    assert management == GroupSurvival("Management", 1, 1, 2, 1, Spending(8, 800, {"USD": 0.5}))
    assert (legal.calls_per_kept, legal.cost_per_kept) == (10, {"USD": 0.5, "EUR": 1.0})
    # An example without any reason counts all the same, and so does what it took.
    assert sales == GroupSurvival("Sales", 1, 0, 0, 0, Spending(2, 50))
    assert (sales.calls_per_kept, sales.cost_per_kept) == (None, None)
    total = summary.total
    assert (total.examples, total.survivors, total.proposed, total.kept) == (4, 2, 5, 2)
    assert total.spent == Spending(20, 1850, {"USD": 1.0, "EUR": 1.0})
    assert (total.calls_per_kept, total.cost_per_kept) == (10, {"USD": 0.5, "EUR": 0.5})


def test_questions_set_aside_are_grouped_with_the_most_frequent_cause_first(summary: ReasonSummary) -> None:
    assert summary.set_aside == (
        SetAside("utility", "big", 1, {"no JSON in the reply": 1}),
        SetAside("reason", "big", 3, {"refused: policy": 2, "time out": 1}),
    )
    assert list(summary.set_aside[1].whys) == ["refused: policy", "time out"]


def test_rejected_rows_are_grouped_by_kind_most_frequent_first() -> None:
    rows = [
        RejectedRow("careers.jsonl", line, reason, "")
        for line, reason in enumerate(["broken JSON: column 3", "unknown code: 'a'", "unknown code: 'b'", "empty"])
    ]
    kinds = by_kind(rows)
    assert list(kinds) == ["unknown code", "broken JSON", "empty"]
    assert kinds["unknown code"] == rows[1:3]
