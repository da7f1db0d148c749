"""Which examples are shown, and what of them."""

from __future__ import annotations

import numpy as np
import pytest

from occpred.rankings import Rankings
from occpred.records import CareerHistory, JudgeScores, NextOccupationExample
from occpred.report.data import ScoredOccupation
from occpred.report.examples import worked_examples


def example(number: int, target: str) -> NextOccupationExample:
    return NextOccupationExample(f"p{number}/1", f"p{number}", CareerHistory(f"p{number}", (), ()), target)


def test_probabilities_are_normalised_and_the_true_rank_counted() -> None:
    examples = [example(1, "b"), example(0, "c")]
    log_probs_PC = np.log([[0.1, 0.3, 0.1], [0.25, 0.5, 0.25]])
    rankings = Rankings(("a", "b", "c"), ("p0/1", "p1/1"), log_probs_PC, reasons=("why", "because"))
    scores = JudgeScores(5, 4, 3)
    first, second = worked_examples(examples, rankings, {"p1/1": scores})
    assert (first.example, first.target_rank, first.reason, first.scores) == (examples[1], 3, "why", None)
    assert [candidate.code for candidate in first.top] == ["b", "a", "c"]
    assert [candidate.probability for candidate in first.top] == pytest.approx([0.6, 0.2, 0.2])
    assert (second.target_rank, second.reason, second.scores) == (1, "because", scores)
    assert second.top[0].code == "b"
    assert isinstance(second.top[0], ScoredOccupation)


def test_ten_are_drawn_by_seed_and_kept_in_order() -> None:
    examples = [example(number, "a") for number in range(100)]
    codes = tuple("abcdefg")
    rankings = Rankings(codes, tuple(entry.example_id for entry in examples), np.zeros((100, 7)))
    drawn = worked_examples(examples, rankings)
    assert len(drawn) == 10
    assert all(len(worked.top) == 5 and worked.reason == "" for worked in drawn)
    numbers = [examples.index(worked.example) for worked in drawn]
    assert numbers == sorted(set(numbers))
    assert drawn == worked_examples(examples[::-1], rankings)
    assert drawn != worked_examples(examples, rankings, seed=1)
