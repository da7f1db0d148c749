from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar

from occpred.errors import UserError
from occpred.evaluation.comparison import Comparison, persons_by_group
from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.pooling import pool, repeat
from occpred.evaluation.significance import holm
from occpred.settings import SettingError

EVALUATION = Evaluation(bootstrap_samples=100)
COMPARISON = Comparison(permutations=1000)


@pytest.fixture(scope="module")
def systems(answered):
    """Four systems of 60 persons, 20 of them stayers; the third has three seeds, the last is the first again."""
    rng = np.random.default_rng(0)

    def draw(best: float):
        ranks = np.where(rng.random(60) < best, 1, rng.integers(2, 9, 60))
        return answered(ranks, stayers=range(20))

    first = draw(0.3)
    return {"first": first, "good": draw(0.8), "seeds": pool([draw(0.4) for _ in range(3)]), "same": first}


def test_every_other_row_is_held_against_the_first_in_every_group_and_measure(systems):
    tests = COMPARISON(systems, EVALUATION)
    assert [(test.system, test.group, test.metric) for test in tests] == [
        (system, group, metric)
        for system in ("good", "seeds", "same")
        for group in ("all", "movers", "stayers")
        for metric in ("acc_em", "acc_rm", "mrr")
    ]
    assert {test.reference for test in tests} == {"first"}
    names = {metric: {test.test for test in tests if test.metric == metric} for metric in ("acc_em", "mrr")}
    assert names["acc_em"] == {"exact McNemar test", "exact McNemar test on persons' totals"}
    assert names["mrr"] == {"paired permutation test, 1,000 draws", "exact paired permutation test"}


def test_a_measure_that_either_lacks_is_not_compared(systems):
    without = replace(systems["good"], acc_rm_P=None)
    tests = COMPARISON.pair("good", "first", systems | {"good": without}, EVALUATION)
    assert {test.metric for test in tests} == {"acc_em", "mrr"}


def test_another_row_may_be_the_reference(systems):
    tests = Comparison(reference="good", permutations=1000)(systems, EVALUATION)
    assert list(dict.fromkeys(test.system for test in tests)) == ["first", "seeds", "same"]
    assert {test.reference for test in tests} == {"good"}


def test_differences_are_those_of_the_evaluation(systems):
    for test in COMPARISON.pair("good", "first", systems, EVALUATION):
        assert test.difference == EVALUATION.paired_difference(
            systems["good"], systems["first"], test.metric, test.group
        )


def test_accuracy_is_tested_by_mcnemar_in_each_group(systems):
    for test in COMPARISON.pair("good", "first", systems, EVALUATION):
        inside = {"all": slice(None), "movers": slice(20, None), "stayers": slice(20)}[test.group]
        a, b = (systems[name].acc_em_P[inside] for name in ("good", "first"))
        table = [[np.sum((a == i) & (b == j)) for j in (0, 1)] for i in (0, 1)]
        if test.metric == "acc_em":
            assert test.p_value == pytest.approx(reference_mcnemar(table, exact=True).pvalue)


def test_holm_is_over_the_rows_of_one_group_and_measure(systems):
    tests = COMPARISON(systems, EVALUATION)
    for group in ("all", "movers", "stayers"):
        for metric in ("acc_em", "acc_rm", "mrr"):
            family = [test for test in tests if (test.group, test.metric) == (group, metric)]
            assert [test.p_adjusted for test in family] == holm([test.p_value for test in family])
            assert len(family) == 3


def test_a_system_does_not_differ_from_itself(systems):
    for test in COMPARISON.pair("same", "first", systems, EVALUATION):
        difference = test.difference
        assert (difference.value, difference.low, difference.high, test.p_value) == (0, 0, 0, 1)


@settings(max_examples=10)
@given(seed=st.integers(0, 999), seeds=st.integers(1, 3))
def test_swapping_two_systems_flips_the_sign_and_keeps_p(answered, seed, seeds):
    rng = np.random.default_rng(seed)
    draws = [answered(rng.integers(1, 5, 20), [f"{person}" for person in range(10)] * 2) for _ in range(1 + seeds)]
    systems = {"a": draws[0], "b": pool(draws[1:])}
    there, back = (COMPARISON.pair(*pair, systems, EVALUATION) for pair in (("a", "b"), ("b", "a")))
    for one, other in zip(there, back, strict=True):
        assert one.p_value == other.p_value
        assert one.difference.value == pytest.approx(-other.difference.value)
        assert (one.difference.low, one.difference.high) == pytest.approx(
            (-other.difference.high, -other.difference.low)
        )


def test_a_baseline_meets_every_seed_of_a_system(systems):
    """Held against itself repeated, a baseline gives the same difference and the same p."""
    once = COMPARISON.pair("seeds", "first", systems, EVALUATION)
    thrice = COMPARISON.pair("seeds", "first", {**systems, "first": repeat(systems["first"], 3)}, EVALUATION)
    assert once == thrice
    accuracy = systems["seeds"].acc_em_P.mean() - systems["first"].acc_em_P.mean()
    assert once[0].difference.value == pytest.approx(100 * accuracy)


def test_a_system_that_answered_other_examples_has_no_test(systems, answered):
    tests = COMPARISON({**systems, "other": answered([1, 2, 3])}, EVALUATION)
    assert "other" not in {test.system for test in tests}


def test_empty_groups_are_left_out(answered):
    movers = {"a": answered([1, 2]), "b": answered([2, 1])}
    assert {test.group for test in COMPARISON(movers, EVALUATION)} == {"all", "movers"}


def test_a_single_row_has_nothing_to_be_held_against(systems):
    assert COMPARISON({"first": systems["first"]}, EVALUATION) == []


def test_a_reference_that_is_not_there_is_named(systems):
    with pytest.raises(UserError, match=r"comparison\.reference=best: no such row: choose one of first, good"):
        Comparison(reference="best")(systems, EVALUATION)


def test_persons_of_groups(answered):
    scores = answered([1, 1, 1, 1], ["ann", "ann", "bob", "cem"], stayers=[1])
    assert persons_by_group(scores) == {"all": 3, "movers": 3, "stayers": 1}
    assert persons_by_group(answered([1, 1], ["ann", "ann"])) == {"all": 1, "movers": 1}


@pytest.mark.parametrize(
    "wrong", [{"comparable_margin": 0.0}, {"relevant_gain": -1.0}, {"permutations": 10}, {"seed": -1}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError, match=rf"Comparison\.{next(iter(wrong))}="):
        Comparison(**wrong)
