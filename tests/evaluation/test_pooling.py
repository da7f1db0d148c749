from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.pooling import pair_up, pool, repeat
from occpred.evaluation.scores import FreeTextScores, Scores


def written(scores: Scores) -> Scores:
    spread_P = np.linspace(0, 0.2, len(scores.example_ids))
    return replace(
        scores,
        reason_spread_P=spread_P,
        free_text=FreeTextScores(1 - scores.acc_em_P, scores.acc_em_P, scores.acc_rm_P),
    )


def test_every_field_of_every_run_is_kept_in_order(answered):
    runs = [written(answered([1, 2, 3], stayers=[1])), written(answered([4, 5, 6], stayers=[1]))]
    pooled = pool(runs)
    for each in fields(Scores):
        if each.name not in ("free_text", "doubt"):
            parts = [np.asarray(getattr(run, each.name)) for run in runs]
            np.testing.assert_array_equal(np.asarray(getattr(pooled, each.name)), np.concatenate(parts))
    for each in fields(FreeTextScores):
        parts = [getattr(run.free_text, each.name) for run in runs]
        np.testing.assert_array_equal(getattr(pooled.free_text, each.name), np.concatenate(parts))


def test_what_only_some_runs_have_is_left_out(answered):
    pooled = pool([written(answered([1])), answered([1])])
    assert pooled.free_text is None
    assert pooled.reason_spread_P is None
    assert pool([answered([1]), replace(answered([1]), acc_rm_P=None)]).acc_rm_P is None


def test_nothing_cannot_be_pooled():
    with pytest.raises(ValueError, match="no run"):
        pool([])


def test_a_persons_answers_of_all_seeds_stay_together(answered):
    """Three runs with the same answers say no more about people than one: the interval is that of one."""
    ranks = np.random.default_rng(0).integers(1, 4, 60)
    evaluation = Evaluation(bootstrap_samples=200)
    one, three = (evaluation("x", scores)[0].metrics["mrr"] for scores in (answered(ranks), repeat(answered(ranks), 3)))
    assert (three.value, three.low, three.high) == pytest.approx((one.value, one.low, one.high))
    assert (one.n, three.n) == (60, 180)


def test_pools_of_the_same_runs_are_paired_as_they_are(answered):
    a, b = pool([answered([1, 2]), answered([3, 4])]), pool([answered([5, 6]), answered([7, 8])])
    assert pair_up(a, b) == (a, b)


def test_a_baseline_without_seeds_is_paired_with_every_seed(answered):
    seeds, baseline = pool([answered([1, 2]), answered([3, 4])]), answered([5, 6])
    left, right = pair_up(seeds, baseline)
    assert left.rank_P.tolist() == [1, 2, 3, 4]
    assert right.rank_P.tolist() == [5, 6, 5, 6]


def test_after_a_failed_seed_runs_still_pair_up(answered):
    two, three = pool([answered([1]), answered([2])]), pool([answered([3]), answered([4]), answered([5])])
    left, right = pair_up(two, three)
    assert left.rank_P.tolist() == [1, 2, 1, 2, 1, 2]
    assert right.rank_P.tolist() == [3, 4, 5, 3, 4, 5]


@settings(max_examples=30)
@given(runs=st.integers(1, 4), others=st.integers(1, 4), seed=st.integers(0, 99))
def test_pairing_changes_no_mean(answered, runs, others, seed):
    rng = np.random.default_rng(seed)
    pooled = [pool([answered(rng.integers(1, 9, 5)) for _ in range(count)]) for count in (runs, others)]
    for before, after in zip(pooled, pair_up(*pooled), strict=True):
        assert after.acc_rm_P.mean() == pytest.approx(before.acc_rm_P.mean())


def test_other_examples_do_not_pair_up(answered):
    assert pair_up(answered([1, 2]), answered([1, 2, 3])) is None
    renamed = replace(answered([1, 2]), example_ids=("example 0", "another"))
    assert pair_up(answered([1, 2]), renamed) is None
    assert pair_up(repeat(answered([1, 2]), 2), renamed) is None


def test_no_answers_pair_up_with_no_answers(answered):
    left, right = pair_up(answered([]), answered([]))
    assert left.example_ids == right.example_ids == ()
