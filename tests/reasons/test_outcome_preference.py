from __future__ import annotations

from collections.abc import Callable

import pytest

from occpred.reasons.outcome_preference import OutcomePreference, ZeroPoint
from occpred.reasons.pairs import PairCounts
from occpred.reasons.preference import PairMaterial

TRUE, OTHER = "Medical and Health Services Managers", "Registered Nurses"
SIDES = ZeroPoint.WITHOUT_REASON


def test_the_first_right_answer_is_paired_with_the_first_wrong_one(pair_material: Callable[..., PairMaterial]) -> None:
    written = [("a", OTHER), ("b", TRUE), ("c", "No Title At All"), ("d", TRUE)]
    found = OutcomePreference().pairs(pair_material(*written, names_occupation=True))
    (pair,) = found.pairs
    assert (pair.chosen.candidate, pair.rejected.candidate) == (1, 0)
    assert (pair.chosen_worth, pair.rejected_worth) == (1, 0)


@pytest.mark.parametrize("wrong", ["No Title At All", TRUE.lower(), TRUE[:-1]])
def test_an_answer_is_right_to_the_letter_or_wrong(pair_material: Callable[..., PairMaterial], wrong: str) -> None:
    (pair,) = OutcomePreference().pairs(pair_material(("a", TRUE), ("a", wrong), names_occupation=True)).pairs
    assert (pair.chosen.answer, pair.rejected.answer) == (TRUE, wrong)


@pytest.mark.parametrize("answer", [TRUE, OTHER])
def test_all_right_or_all_wrong_gives_no_pair(pair_material: Callable[..., PairMaterial], answer: str) -> None:
    material = pair_material(("a", answer), ("b", answer), names_occupation=True)
    assert OutcomePreference().pairs(material).counts == PairCounts(1, 0, one_sided=1)


def test_a_gap_in_nats_says_nothing_of_right_and_wrong(pair_material: Callable[..., PairMaterial]) -> None:
    material = pair_material(("a", TRUE), ("b", OTHER), names_occupation=True)
    assert OutcomePreference(minimum_gap=9).pairs(material).counts.paired == 1


def test_an_answer_that_never_closed_is_no_wrong_one(pair_material: Callable[..., PairMaterial]) -> None:
    material = pair_material(("a", TRUE), ("b", ""), names_occupation=True)
    assert OutcomePreference().pairs(material).counts == PairCounts(1, 0, empty=1)


def test_the_reason_that_helps_most_is_paired_with_the_one_that_harms_most(
    pair_material: Callable[..., PairMaterial],
) -> None:
    material = pair_material("a", "b", "c", "d", log_probs=[-2.0, -1.0, -4.0, -1.5], log_prob_without_reason=-1.8)
    for zero_point in ZeroPoint:
        (pair,) = OutcomePreference(zero_point=zero_point).pairs(material).pairs
        assert (pair.chosen.reason, pair.rejected.reason) == ("b", "c")
        assert (pair.chosen_worth, pair.rejected_worth) == (-1.0, -4.0)


@pytest.mark.parametrize("without", [-0.5, -1.0, -4.0, -5.0])
def test_the_zero_point_must_lie_between_them(pair_material: Callable[..., PairMaterial], without: float) -> None:
    material = pair_material("a", "b", log_probs=[-1.0, -4.0], log_prob_without_reason=without)
    assert OutcomePreference(zero_point=SIDES).pairs(material).counts == PairCounts(1, 0, one_sided=1)
    # Some reason is always better than the mean, and another worse; what none gives need not be known.
    assert OutcomePreference().pairs(pair_material("a", "b", log_probs=[-1.0, -4.0])).counts.paired == 1


def test_reasons_must_differ_by_the_gap(pair_material: Callable[..., PairMaterial]) -> None:
    material = pair_material("a", "b", log_probs=[-1.0, -1.2])
    assert OutcomePreference(minimum_gap=0.2).pairs(material).counts.paired == 1
    assert OutcomePreference(minimum_gap=0.3).pairs(material).counts == PairCounts(1, 0, too_small_gap=1)


def test_reasons_that_all_do_the_same_give_no_pair(pair_material: Callable[..., PairMaterial]) -> None:
    material = pair_material("a", "b", "c", log_probs=[-0.1, -0.1, -0.1])
    assert OutcomePreference().pairs(material).counts.paired == 0


def test_the_model_decides_what_is_compared() -> None:
    assert OutcomePreference.needs_predictor
    assert not OutcomePreference.needs_judge
    assert not OutcomePreference.needs_oracle
