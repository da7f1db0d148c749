from __future__ import annotations

from collections.abc import Callable

import pytest

from occpred.reasons.judge_preference import JudgePreference
from occpred.reasons.pairs import PairCounts
from occpred.reasons.preference import PairMaterial
from occpred.settings import SettingError


def test_the_best_mean_mark_is_paired_with_the_worst(pair_material: Callable[..., PairMaterial]) -> None:
    material = pair_material("a", "b", "c", marks=[(4, 4, 3), (5, 5, 4), (1, 5, 2)])
    found = JudgePreference().pairs(material)
    (pair,) = found.pairs
    assert (pair.chosen.reason, pair.rejected.reason) == ("b", "c")
    assert (pair.chosen_worth, pair.rejected_worth) == pytest.approx((14 / 3, 8 / 3))
    assert found.counts == PairCounts(examples=1, paired=1)


def test_ties_go_to_the_lowest_candidate(pair_material: Callable[..., PairMaterial]) -> None:
    material = pair_material("a", "b", "c", "d", marks=[(1, 1, 1), (5, 5, 5), (1, 1, 1), (5, 5, 5)])
    (pair,) = JudgePreference().pairs(material).pairs
    assert (pair.chosen.candidate, pair.rejected.candidate) == (1, 0)


def test_the_gap_is_inclusive_whatever_the_rounding(pair_material: Callable[..., PairMaterial]) -> None:
    # 13/3 - 10/3 is a little less than 1 in floating point.
    material = pair_material("a", "b", marks=[(5, 4, 4), (4, 3, 3)])
    assert JudgePreference(minimum_gap=1).pairs(material).counts.paired == 1
    assert JudgePreference(minimum_gap=1.1).pairs(material).counts == PairCounts(1, 0, too_small_gap=1)


def test_equal_marks_never_pair(pair_material: Callable[..., PairMaterial]) -> None:
    material = pair_material("a", "b", marks=[(3, 3, 3), (2, 3, 4)])
    assert JudgePreference(minimum_gap=1e-3).pairs(material).counts == PairCounts(1, 0, too_small_gap=1)
    with pytest.raises(SettingError, match="minimum_gap=0"):
        JudgePreference(minimum_gap=0)


def test_equal_texts_never_pair_even_where_a_judge_contradicts_itself(
    pair_material: Callable[..., PairMaterial],
) -> None:
    # Once in the prompt's form, line breaks and double spaces are gone.
    material = pair_material("a  b", "a\nb", marks=[(5, 5, 5), (1, 1, 1)])
    assert JudgePreference().pairs(material).counts == PairCounts(1, 0, equal_text=1)


def test_a_text_that_comes_again_counts_as_the_first_one(pair_material: Callable[..., PairMaterial]) -> None:
    material = pair_material("a", "b", "a", marks=[(4, 4, 4), (3, 3, 3), (1, 1, 1)])
    (pair,) = JudgePreference().pairs(material).pairs
    assert (pair.chosen.candidate, pair.rejected.candidate) == (0, 1)


def test_empty_reasons_take_no_part(pair_material: Callable[..., PairMaterial]) -> None:
    material = pair_material("", "b", " \n", marks=[(5, 5, 5), (1, 1, 1), (5, 5, 5)])
    assert JudgePreference().pairs(material).counts == PairCounts(1, 0, empty=1)


def test_a_joint_models_reply_without_a_title_takes_no_part(pair_material: Callable[..., PairMaterial]) -> None:
    marks = [(5, 5, 5), (4, 4, 4), (1, 1, 1)]
    written = [("a", ""), ("b", "Lawyers"), ("c", "Lawyers")]
    (pair,) = JudgePreference().pairs(pair_material(*written, marks=marks, names_occupation=True)).pairs
    assert pair.chosen.reason == "b"
    (pair,) = JudgePreference().pairs(pair_material(*written, marks=marks, names_occupation=False)).pairs
    assert pair.chosen.reason == "a"
