from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.evaluation.decision import Decision, Rule, all_of
from occpred.evaluation.power import persons_needed
from occpred.findings import FEWEST_PERSONS, Outcome
from occpred.records import Estimate

GAIN = Rule(0.0, 1.0, 0.95)
COMPARABLE = Rule(-5.0, -5.0, 0.95)
SUPPORTED, NOT_SUPPORTED = Decision(Outcome.SUPPORTED), Decision(Outcome.NOT_SUPPORTED)


def around(value: float, half: float) -> Estimate:
    return Estimate(value, value - half, value + half, 200, 200)


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (around(3, 2), Outcome.SUPPORTED),
        (around(-3, 2), Outcome.NOT_SUPPORTED),  # the reverse holds
        (around(0.1, 0.5), Outcome.NOT_SUPPORTED),  # whatever gain there is does not matter
        (around(0.5, 0.4), Outcome.SUPPORTED),  # a small gain is a gain
        (around(1, 3), Outcome.UNDECIDED),
        (around(-1, 3), Outcome.UNDECIDED),
        (around(1, 1), Outcome.UNDECIDED),  # 0 itself is no gain
    ],
)
def test_a_gain(estimate, expected):
    assert GAIN(estimate, 200).outcome is expected


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (around(-2, 2.9), Outcome.SUPPORTED),
        (around(9, 3), Outcome.SUPPORTED),
        (around(-8, 2.9), Outcome.NOT_SUPPORTED),
        (around(0, 6), Outcome.UNDECIDED),
    ],
)
def test_comparable(estimate, expected):
    assert COMPARABLE(estimate, 200).outcome is expected


def test_a_test_that_finds_nothing_withholds_support():
    assert GAIN(around(3, 2), 200, p_value=0.07) == Decision(Outcome.UNDECIDED, 201)
    assert GAIN(around(3, 2), 200, p_value=0.04) == SUPPORTED


def test_few_people_decide_nothing():
    point = Estimate(50, 50, 50, 29, 29)
    assert GAIN(point, FEWEST_PERSONS - 1) == Decision(Outcome.UNDECIDED, FEWEST_PERSONS)
    assert GAIN(point, FEWEST_PERSONS) == SUPPORTED


def test_persons_needed_are_those_of_the_nearer_outcome():
    estimate = around(0.1, 6)
    to_refute = persons_needed(estimate, 200, null=1.0)
    assert GAIN(estimate, 200) == Decision(Outcome.UNDECIDED, to_refute)
    assert to_refute < persons_needed(estimate, 200, null=0.0)
    assert GAIN(around(2, 6), 200).persons_needed == persons_needed(around(2, 6), 200, null=0.0)


def test_a_value_on_the_border_cannot_be_decided():
    assert COMPARABLE(around(-5, 3), 200) == Decision(Outcome.UNDECIDED, None)


@given(st.floats(-20, 20), st.floats(0.01, 20), st.integers(2, 2000))
def test_what_is_undecided_needs_more_people(value, half, persons):
    decision = GAIN(around(value, half), persons)
    if decision.outcome is Outcome.UNDECIDED:
        assert decision.persons_needed > persons
    else:
        assert decision.persons_needed is None


def test_all_parts_must_hold():
    few, many, never = (Decision(Outcome.UNDECIDED, needed) for needed in (300, 900, None))
    assert all_of([SUPPORTED, SUPPORTED]) == SUPPORTED
    assert all_of([SUPPORTED, NOT_SUPPORTED]) == all_of([few, NOT_SUPPORTED]) == NOT_SUPPORTED
    assert all_of([SUPPORTED, few]) == few
    assert all_of([few, many]) == many
    assert all_of([few, never]) == never
