from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from occpred.evaluation.significance import ENUMERATED, holm, mcnemar, permutation_test, person_totals


def names(size: int) -> list[str]:
    return [f"person {number}" for number in range(size)]


def enumerated(totals) -> float:
    """Two-sided p-value by looking at every choice of signs, in whole numbers."""
    found = abs(sum(totals))
    sums = [abs(sum(map(math.prod, zip(signs, totals, strict=True)))) for signs in signs_of(len(totals))]
    return sum(each >= found for each in sums) / len(sums)


def signs_of(size: int):
    return itertools.product((-1, 1), repeat=size)


def test_totals_of_persons():
    assert person_totals(np.array([1.0, -1, 1, 1]), ["bob", "ann", "bob", "cem"]).tolist() == [-1, 2, 1]


@pytest.mark.parametrize(
    ("wins", "losses", "expected"),
    [(0, 0, 1), (1, 0, 1), (5, 0, 2 / 32), (4, 1, 12 / 32), (3, 3, 1), (8, 1, 2 * (1 + 9) / 512)],
)
def test_mcnemar_by_hand(wins, losses, expected):
    difference_P = np.array([1.0] * wins + [-1.0] * losses + [0.0] * 7)
    found = mcnemar(difference_P, names(len(difference_P)))
    assert found.p_value == pytest.approx(expected)
    assert found.test == "exact McNemar test"


@given(wins=st.integers(0, 400), losses=st.integers(0, 400))
def test_mcnemar_is_that_of_statsmodels_where_each_person_answers_once(wins, losses):
    difference_P = np.array([1.0] * wins + [-1.0] * losses + [0.0])
    expected = reference_mcnemar([[3, wins], [losses, 2]], exact=True).pvalue
    assert mcnemar(difference_P, names(len(difference_P))).p_value == pytest.approx(expected, rel=1e-9)


@settings(max_examples=30)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10))
def test_with_several_answers_a_person_it_looks_at_all_signs_of_the_totals(totals):
    answers = [(name, math.copysign(1, total)) for name, total in zip(names(99), totals, strict=False)] * 4
    kept = [
        (name, sign)
        for (name, sign), turn in zip(answers, np.repeat(range(4), len(totals)), strict=True)
        if turn < abs(totals[int(name.split()[1])])
    ] + [(name, 0.0) for name in names(len(totals))]
    people, difference = zip(*kept, strict=True)
    found = mcnemar(np.array(difference), people)
    assert found.p_value == pytest.approx(enumerated(totals))
    assert found.test == ("exact McNemar test on persons' totals" if any(totals) else "exact McNemar test")


def test_equal_accuracy_is_not_refuted_by_who_is_right_how_often():
    """One system is always right about 200 of 300 people; the other about everybody, two times out of three."""
    people = names(300) * 3
    steady = np.tile(np.repeat([1.0, 0.0], [200, 100]), 3)
    wavering = np.repeat([1.0, 1.0, 0.0], 300)
    assert mcnemar(steady - wavering, people).p_value == 1
    assert stats.binomtest(200, 300).pvalue < 1e-8  # what counting the signs of the totals would say


def test_running_a_system_again_with_the_same_answers_changes_no_p_value():
    difference_P = np.random.default_rng(0).integers(-1, 2, 80).astype(float)
    once, thrice = (mcnemar(np.tile(difference_P, times), names(80) * times).p_value for times in (1, 3))
    assert once == pytest.approx(thrice)


def test_mcnemar_is_for_right_and_wrong():
    with pytest.raises(ValueError, match="right or wrong"):
        mcnemar(np.array([0.5]), ["ann"])


def test_permutation_by_hand():
    """Of the eight sums +-1 +-2 +-3, two are as far from 0 as 6 and four as 4 = 3 + 2 - 1."""
    assert permutation_test(np.array([1.0, 2.0, 3.0]), names(3), 1000, seed=0).p_value == 2 / 8
    found = permutation_test(np.array([-1.0, 2.0, 3.0, 0.0]), names(4), 1000, seed=0)
    assert found.p_value == 4 / 8
    assert found.test == "exact paired permutation test"


def test_no_difference_at_all():
    assert permutation_test(np.zeros(5), names(5), 1000, seed=0).p_value == 1


@settings(max_examples=30)
@given(st.lists(st.floats(-1, 1, allow_subnormal=False).map(lambda value: round(value, 3)), min_size=2, max_size=9))
def test_exact_permutation_is_that_of_scipy(differences):
    found = permutation_test(np.array(differences), names(len(differences)), 1000, seed=0).p_value
    reference = stats.permutation_test(
        (np.array(differences), np.zeros(len(differences))),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    )
    assert found == pytest.approx(reference.pvalue)


def test_drawn_permutations_come_near_the_exact_p_value():
    """Twenty people: whole numbers, so that the exact value is known."""
    differences = [1.0, 2, -1, 3, 1, -2, 2, 1, -1, 2, 1, -3, 1, 2, 1, -1, 2, 1, -1, 1]
    exact = mcnemar(np.array(differences), names(20)).p_value
    found = permutation_test(np.array(differences), names(20), 20_000, seed=1)
    assert found.test == "paired permutation test, 20,000 draws"
    assert found.p_value == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 20_000))


def test_a_drawn_p_value_is_never_nothing():
    assert permutation_test(np.ones(200), names(200), 1500, seed=0).p_value == 1 / 1501


def test_persons_are_swapped_not_answers():
    """Twelve answers of two people, all in favour: of four choices of signs two are as clear."""
    assert permutation_test(np.full(12, 0.5), ["ann", "bob"] * 6, 1000, seed=0).p_value == 0.5


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from([-1.0, -0.5, 0.0, 1 / 3, 1.0]), min_size=1, max_size=3 * ENUMERATED),
    st.integers(0, 9),
)
def test_swapping_the_systems_keeps_p(differences, seed):
    people = names(len(differences))
    there, back = (permutation_test(sign * np.array(differences), people, 1000, seed) for sign in (1, -1))
    assert there == back
    assert 0 < there.p_value <= 1
    right = np.sign(differences)
    assert mcnemar(right, people) == mcnemar(-right, people)


def test_holm_by_hand():
    # Sorted: 0.01 x 3, 0.02 x 2 = 0.04, 0.05 x 1.
    assert holm([0.02, 0.05, 0.01]) == pytest.approx([0.04, 0.05, 0.03])
    # 0.04 x 2 = 0.08 may not be overtaken by 0.05 x 1, and nothing exceeds 1.
    assert holm([0.05, 0.04]) == pytest.approx([0.08, 0.08])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []


@pytest.mark.parametrize("size", [1, 7, 40])
def test_holm_is_that_of_statsmodels(size):
    p_values = np.random.default_rng(size).random(size) ** 3
    np.testing.assert_allclose(holm(p_values.tolist()), multipletests(p_values, method="holm")[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values):
    adjusted = holm(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))
    in_order = [adjusted[index] for index in np.argsort(p_values, kind="stable")]
    assert in_order == sorted(in_order)
