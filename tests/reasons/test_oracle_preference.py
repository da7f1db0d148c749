from __future__ import annotations

from collections.abc import Callable

import pytest

from occpred.reasons.oracle_preference import OraclePreference
from occpred.reasons.pairs import PairCounts
from occpred.reasons.preference import PairMaterial
from occpred.records import Completion, JudgedReason, JudgeScores, Reason

TRUE = "Medical and Health Services Managers"
ORACLE = JudgedReason(Reason("p1/3", 2, "oracle", "teacher"), JudgeScores(5, 4, 4))


def test_the_oracles_reason_is_paired_with_the_models_worst(pair_material: Callable[..., PairMaterial]) -> None:
    material = pair_material("a", "b", "c", marks=[(5, 5, 5), (2, 2, 3), (2, 2, 3)], oracle=ORACLE)
    (pair,) = OraclePreference().pairs(material).pairs
    # It is no completion of the model, so it is numbered after those.
    assert pair.chosen == Completion("p1/3", 3, "oracle")
    assert pair.rejected == Completion("p1/3", 1, "b")
    assert (pair.chosen_worth, pair.rejected_worth) == pytest.approx((13 / 3, 7 / 3))


def test_for_a_joint_model_the_true_title_follows(pair_material: Callable[..., PairMaterial]) -> None:
    written = [("oracle", "Lawyers"), ("b", ""), ("oracle", TRUE)]
    marks = [(1, 1, 1), (1, 1, 1), (1, 1, 1)]
    material = pair_material(*written, marks=marks, oracle=ORACLE, names_occupation=True)
    (pair,) = OraclePreference().pairs(material).pairs
    assert pair.chosen.answer == TRUE
    # The same reason with another title is another text; with the same title it is the oracle's own.
    assert pair.rejected.candidate == 0


def test_one_completion_of_the_model_is_enough(pair_material: Callable[..., PairMaterial]) -> None:
    material = pair_material("", "b", marks=[(5, 5, 5), (1, 1, 1)], oracle=ORACLE)
    assert OraclePreference().pairs(material).counts.paired == 1


@pytest.mark.parametrize(
    ("text", "mark", "has_oracle", "counts"),
    [
        ("a", (5, 4, 4), True, PairCounts(1, 0, too_small_gap=1)),
        ("a", (5, 5, 5), True, PairCounts(1, 0, too_small_gap=1)),
        ("a", (1, 1, 1), False, PairCounts(1, 0, no_oracle=1)),
        ("", (1, 1, 1), False, PairCounts(1, 0, no_oracle=1)),
        ("", (1, 1, 1), True, PairCounts(1, 0, empty=1)),
        (" oracle ", (1, 1, 1), True, PairCounts(1, 0, equal_text=1)),
    ],
)
def test_each_example_without_a_pair_has_its_reason(
    pair_material: Callable[..., PairMaterial],
    text: str,
    mark: tuple[int, int, int],
    has_oracle: bool,
    counts: PairCounts,
) -> None:
    material = pair_material(text, marks=[mark], oracle=ORACLE if has_oracle else None)
    assert OraclePreference().pairs(material).counts == counts
