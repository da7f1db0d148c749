from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.reasons.selection import Selection, mean_score
from occpred.records import JudgedReason, JudgeScores, Reason
from occpred.settings import SettingError


def judged(example: str, candidate: int, marks: tuple[int, int, int], leaks: bool = False) -> JudgedReason:
    return JudgedReason(Reason(example, candidate, "text", "test"), JudgeScores(*marks, leaks_title=leaks))


def kept(selection: Selection, *reasons: JudgedReason) -> list[tuple[str, int]]:
    return [(reason.reason.example_id, reason.reason.candidate) for reason in selection(reasons)]


def test_each_threshold_is_inclusive() -> None:
    selection = Selection(minimum_factuality=4, minimum_coherence=3, minimum_utility=2, best_of=9)
    reasons = [
        judged("a", 0, (4, 3, 2)),
        judged("a", 1, (3, 5, 5)),
        judged("a", 2, (5, 2, 5)),
        judged("a", 3, (5, 5, 1)),
    ]
    assert kept(selection, *reasons) == [("a", 0)]


def test_the_best_mean_wins_and_ties_go_to_the_lower_number() -> None:
    selection = Selection(minimum_factuality=1, minimum_coherence=1, minimum_utility=1, best_of=2)
    reasons = [
        judged("a", 3, (5, 5, 5)),
        judged("a", 2, (4, 4, 4)),
        judged("a", 1, (3, 4, 5)),
        judged("b", 0, (1, 1, 1)),
    ]
    assert kept(selection, *reasons) == [("a", 3), ("a", 1), ("b", 0)]


def test_leaks_are_dropped_where_asked() -> None:
    reasons = [judged("a", 0, (5, 5, 5), leaks=True), judged("a", 1, (4, 4, 4))]
    assert kept(Selection(), *reasons) == [("a", 0)]
    assert kept(Selection(exclude_leaks=True), *reasons) == [("a", 1)]


def test_mean_score() -> None:
    assert mean_score(JudgeScores(5, 4, 1)) == pytest.approx(10 / 3)


@pytest.mark.parametrize(
    ("field", "value"), [("minimum_factuality", 0), ("minimum_coherence", 6), ("minimum_utility", 6), ("best_of", 0)]
)
def test_settings_out_of_range_are_refused(field: str, value: int) -> None:
    settings: dict[str, Any] = {field: value}
    with pytest.raises(SettingError, match=field):
        Selection(**settings)


marks = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
crowds = st.lists(st.builds(judged, st.sampled_from("abc"), st.integers(0, 9), marks, st.booleans()))
selections = st.builds(
    Selection, st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.booleans()
)
THRESHOLDS = ("minimum_factuality", "minimum_coherence", "minimum_utility")


@given(crowds, selections, st.sampled_from(THRESHOLDS), st.integers(1, 4))
def test_a_higher_threshold_never_keeps_more(
    crowd: list[JudgedReason], selection: Selection, threshold: str, rise: int
) -> None:
    raised = replace(selection, **{threshold: min(getattr(selection, threshold) + rise, 5)})
    lower, higher = selection(crowd), raised(crowd)
    assert len(higher) <= len(lower)
    assert {reason.reason.example_id for reason in higher} <= {reason.reason.example_id for reason in lower}


@given(crowds, selections)
def test_what_is_kept_was_judged_good_enough_and_not_too_often(crowd: list[JudgedReason], selection: Selection) -> None:
    chosen = selection(crowd)
    assert all(reason in crowd for reason in chosen)
    assert all(
        getattr(reason.scores, name.removeprefix("minimum_")) >= getattr(selection, name)
        for reason in chosen
        for name in THRESHOLDS
    )
    examples = [reason.reason.example_id for reason in chosen]
    assert all(examples.count(example) <= selection.best_of for example in examples)
