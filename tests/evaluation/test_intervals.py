from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from occpred.errors import UserError
from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.measures import MEASURES
from occpred.evaluation.scores import FreeTextScores, Scores
from occpred.settings import SettingError


def make_scores(rank_P, person_ids=None, is_move_P=None, seed=0) -> Scores:
    """Answers with these ranks of the target; the other figures are drawn."""
    rank_P = np.asarray(rank_P, dtype=np.int64)
    size = len(rank_P)
    rng = np.random.default_rng(seed)
    right_P = (rank_P == 1).astype(np.float64)
    confidence_P = rng.uniform(0.1, 1, size)
    return Scores(
        example_ids=tuple(f"{row}/1" for row in range(size)),
        person_ids=tuple(person_ids or map(str, range(size))),
        is_move_P=np.ones(size, dtype=bool) if is_move_P is None else np.asarray(is_move_P),
        rank_P=rank_P,
        acc_em_P=right_P,
        acc_rm_P=np.maximum(right_P, 0.25),
        major_group_P=right_P,
        log_prob_P=np.log(rng.uniform(0.05, 1, size)),
        confidence_P=confidence_P,
    )


@pytest.fixture
def scores() -> Scores:
    rng = np.random.default_rng(5)
    return make_scores(
        rng.integers(1, 15, 300), [f"p{person}" for person in rng.integers(90, size=300)], rng.random(300) < 0.6
    )


def test_groups_split_the_examples(scores):
    everybody, movers, stayers = Evaluation(bootstrap_samples=100)("model", scores)
    assert [part.group for part in (everybody, movers, stayers)] == ["all", "movers", "stayers"]
    assert {part.system for part in (everybody, movers, stayers)} == {"model"}
    for name, whole in everybody.metrics.items():
        assert whole.n == 300 == movers.metrics[name].n + stayers.metrics[name].n
    accuracy = [part.metrics["acc_em"] for part in (everybody, movers, stayers)]
    assert accuracy[0].value * 300 == pytest.approx(
        accuracy[1].value * accuracy[1].n + accuracy[2].value * accuracy[2].n
    )


def test_persons_are_counted_once(scores):
    movers = [person for person, moves in zip(scores.person_ids, scores.is_move_P, strict=True) if moves]
    evaluation = Evaluation(bootstrap_samples=100)
    row = next(part for part in evaluation("model", scores) if part.group == "movers")
    assert {estimate.persons for estimate in row.metrics.values()} == {len(set(movers))}
    assert evaluation.paired_difference(scores, scores, "acc_em", "movers").persons == len(set(movers)) < len(movers)


def test_a_group_without_examples_is_left_out():
    parts = Evaluation(bootstrap_samples=100)("model", make_scores([1, 2], is_move_P=[True, True]))
    assert [part.group for part in parts] == ["all", "movers"]


def test_measures_come_in_the_order_of_the_catalogue(scores):
    texts = FreeTextScores(scores.acc_em_P, scores.acc_em_P, scores.acc_rm_P)
    complete = dataclasses.replace(scores, free_text=texts, reason_spread_P=scores.confidence_P)
    metrics = Evaluation(bootstrap_samples=100)("model", complete)[0].metrics
    assert list(metrics) == list(MEASURES)


def test_measures_of_free_text_are_left_out_where_there_is_none(scores):
    metrics = Evaluation(bootstrap_samples=100)("model", scores)[0].metrics
    missing = ["reason_spread", "invalid", "acc_em_free_text", "acc_rm_free_text"]
    assert [name for name in MEASURES if name not in metrics] == missing


def test_values_are_those_of_the_measures(scores):
    movers = Evaluation(bootstrap_samples=100)("model", scores)[1].metrics
    moved = scores.is_move_P
    assert movers["acc_em"].value == pytest.approx(100 * scores.acc_em_P[moved].mean())
    assert movers["perplexity"].value == pytest.approx(np.exp(-scores.log_prob_P[moved].mean()))
    assert movers["mrr"].value == pytest.approx((1 / scores.rank_P[moved]).mean())


def test_interval_of_a_share():
    """40 of 100 people: the normal approximation is 40 +- 1.96 * sqrt(0.4 * 0.6 / 100) * 100 = 30.4 to 49.6."""
    share = Evaluation()("model", make_scores([1] * 40 + [2] * 60))[0].metrics["acc_em"]
    assert (share.value, share.n) == (40, 100)
    assert (share.low, share.high) == (pytest.approx(30.4, abs=1), pytest.approx(49.6, abs=1))


def test_interval_of_one_person_is_a_point():
    one = Evaluation()("model", make_scores([1, 3], ["ann", "ann"]))[0].metrics["mrr"]
    assert one.low == one.value == one.high == pytest.approx(2 / 3)


def test_perplexity_and_calibration_have_intervals_too(scores):
    metrics = Evaluation()("model", scores)[0].metrics
    assert metrics["perplexity"].low < metrics["perplexity"].value < metrics["perplexity"].high
    assert 0 < metrics["ece"].low < metrics["ece"].high < 1


def test_more_confidence_makes_intervals_wider(scores):
    narrow, wide = (Evaluation(confidence=share)("model", scores)[0].metrics["mrr"] for share in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_the_same_seed_gives_the_same_intervals(scores):
    assert Evaluation(seed=3)("model", scores) == Evaluation(seed=3)("model", scores)
    assert Evaluation(seed=3)("model", scores) != Evaluation(seed=4)("model", scores)


def test_no_examples_end_with_a_readable_error():
    with pytest.raises(UserError, match="no examples to evaluate"):
        Evaluation()("model", make_scores([]))


@pytest.mark.parametrize("wrong", [{"bootstrap_samples": 10}, {"confidence": 1.0}, {"confidence": 0.0}, {"seed": -1}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError, match=rf"Evaluation\.{next(iter(wrong))}="):
        Evaluation(**wrong)


def test_difference_of_a_system_to_itself_is_nothing(scores):
    for measure in ("acc_em", "perplexity", "ece"):
        same = Evaluation().paired_difference(scores, scores, measure)
        assert (same.value, same.low, same.high, same.n) == (0, 0, 0, 300)


def test_difference_is_that_of_the_values_and_turns_its_sign(scores):
    evaluation = Evaluation(bootstrap_samples=200)
    other = make_scores(scores.rank_P % 5 + 1, scores.person_ids, scores.is_move_P, seed=9)
    for measure in ("acc_em", "mrr", "perplexity", "ece"):
        there = evaluation.paired_difference(scores, other, measure, group="movers")
        back = evaluation.paired_difference(other, scores, measure, group="movers")
        values = [evaluation("x", each)[1].metrics[measure].value for each in (scores, other)]
        assert there.value == pytest.approx(values[0] - values[1])
        assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
        assert there.n == int(scores.is_move_P.sum())


def test_pairing_removes_what_both_systems_share():
    """One system is right about five more people than the other: each alone varies far more than their difference."""
    worse, better = make_scores([1] * 100 + [2] * 100), make_scores([1] * 105 + [2] * 95)
    evaluation = Evaluation()
    difference = evaluation.paired_difference(better, worse, "acc_em")
    alone = evaluation("better", better)[0].metrics["acc_em"]
    assert difference.value == pytest.approx(2.5)
    assert 0 < difference.low < difference.high < 5.5
    assert alone.high - alone.low > 2 * (difference.high - difference.low)


def test_differences_need_the_same_examples(scores):
    with pytest.raises(ValueError, match="same examples"):
        Evaluation().paired_difference(scores, make_scores([1, 2]), "acc_em")


def test_differences_need_answers_from_both(scores):
    with pytest.raises(ValueError, match="no answers for invalid"):
        Evaluation().paired_difference(scores, scores, "invalid")


def test_differences_need_a_group_with_examples():
    movers = make_scores([1, 2], is_move_P=[True, True])
    with pytest.raises(ValueError, match="some stayers"):
        Evaluation().paired_difference(movers, movers, "acc_em", group="stayers")
