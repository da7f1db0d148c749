from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from occpred.evaluation import claims
from occpred.evaluation.claims import Evidence, claim_a, claim_b, claim_c, verdicts
from occpred.evaluation.comparison import Comparison
from occpred.evaluation.dose import dose_responses, judged_persons
from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.pooling import pool
from occpred.evaluation.power import persons_needed
from occpred.findings import DoseResponse, Outcome, PairedTest
from occpred.records import Estimate

EVALUATION = Evaluation(bootstrap_samples=100)
COMPARISON = Comparison(permutations=1000)
PERSONS = {"all": 200, "movers": 130, "stayers": 90}
SUPPORTED, NOT_SUPPORTED, UNDECIDED = Outcome.SUPPORTED, Outcome.NOT_SUPPORTED, Outcome.UNDECIDED


def around(value: float, half: float) -> Estimate:
    return Estimate(value, value - half, value + half, 200, 200)


def against(rival: str, value: float, half: float, p_value: float = 0.5) -> list[PairedTest]:
    """The joint model minus a rival in AccEM, 1 point better among movers; and in MRR, which does not count."""
    test = PairedTest("joint", rival, "all", "acc_em", around(value, half), "exact McNemar test", p_value, p_value)
    movers = replace(test, group="movers", difference=around(value + 1, half))
    stayers = replace(test, group="stayers", difference=around(-90, half))
    return [test, movers, stayers, replace(test, metric="mrr", difference=around(-90, 1))]


def dose(value: float, half: float, within: Estimate | None = None, criterion: str = "mean", metric: str = "acc_em"):
    return DoseResponse(criterion, metric, (), around(value, half), within)


@pytest.mark.parametrize(
    ("value", "half", "p_value", "outcome"),
    [(4, 3, 0.01, SUPPORTED), (-4, 3, 0.01, NOT_SUPPORTED), (0.2, 0.5, 0.4, NOT_SUPPORTED), (1.5, 4.5, 0.6, UNDECIDED)],
)
def test_b(value, half, p_value, outcome):
    verdict = claim_b(against("two_models", value, half, p_value), PERSONS, COMPARISON, 0.95)
    assert (verdict.claim, verdict.outcome, verdict.persons) == ("b", outcome, 200)
    assert (verdict.persons_needed is not None) == (outcome is UNDECIDED)


def test_b_in_words_and_figures():
    verdict = claim_b(against("two_models", 1.5, 4.5, 0.6), PERSONS, COMPARISON, 0.95)
    assert verdict.statement == "One language model tuned for both tasks (joint) beats two tuned apart (two_models)."
    assert verdict.figures == (
        "joint minus two_models: +1.5 points [-3.0, 6.0], p = 0.600 (n = 200 persons)",
        "joint minus two_models among movers: +2.5 points [-2.0, 7.0], p = 0.600 (n = 130 persons)",
    )
    assert verdict.persons_needed == persons_needed(around(1.5, 4.5), 200)


def test_tiny_figures_are_not_minus_nothing():
    figure = claim_b(against("two_models", -0.01, 0.02, 0.0001), PERSONS, COMPARISON, 0.95).figures[0]
    assert figure == "joint minus two_models: +0.0 points [0.0, 0.0], p < 0.001 (n = 200 persons)"


BETTER, WORSE, UNKNOWN = ((20, 5, 0.001), SUPPORTED), ((-9, 5, 0.001), NOT_SUPPORTED), ((3, 9, 0.5), UNDECIDED)


@pytest.mark.parametrize(("untuned", "of_untuned"), [BETTER, WORSE, UNKNOWN])
@pytest.mark.parametrize(
    ("supervised", "of_supervised"), [((-2, 2.5), SUPPORTED), ((-9, 3), NOT_SUPPORTED), ((-2, 4), UNDECIDED)]
)
def test_a_needs_both_parts(supervised, of_supervised, untuned, of_untuned):
    verdict = claim_a(against("markov", *supervised), against("zero_shot", *untuned), PERSONS, COMPARISON, 0.95)
    parts = {of_supervised, of_untuned}
    expected = next(outcome for outcome in (NOT_SUPPORTED, UNDECIDED, SUPPORTED) if outcome in parts)
    assert (verdict.claim, verdict.outcome) == ("a", expected)


def test_a_is_about_the_rivals_that_did_best():
    supervised = against("popularity", 12, 3) + against("markov", -3, 3) + against("knn", 1, 3)
    unsupervised = against("zero_shot", 30, 5) + against("four_shot", 20, 5, 0.0001)
    verdict = claim_a(supervised, unsupervised, PERSONS, COMPARISON, 0.95)
    assert verdict.statement == (
        "Tuned on oracle reasons, joint is comparable with the best fully supervised baseline, markov (at most 5 "
        "points of AccEM below), and better than the best untuned backbone, four_shot."
    )
    assert verdict.figures == (
        "joint minus markov: -3.0 points [-6.0, 0.0], p = 0.500 (n = 200 persons)",
        "joint minus markov among movers: -2.0 points [-5.0, 1.0], p = 0.500 (n = 130 persons)",
        "joint minus four_shot: +20.0 points [15.0, 25.0], p < 0.001 (n = 200 persons)",
        "joint minus four_shot among movers: +21.0 points [16.0, 26.0], p < 0.001 (n = 130 persons)",
    )
    # Two points above the margin, with a half width of 3.
    assert verdict.persons_needed == persons_needed(around(-3, 3), 200, null=-5)


def test_a_depends_on_the_margin():
    tests = against("markov", -3, 3), against("zero_shot", 20, 5, 0.0001)
    outcomes = [claim_a(*tests, PERSONS, Comparison(comparable_margin=margin), 0.95).outcome for margin in (10, 5)]
    assert outcomes == [SUPPORTED, UNDECIDED]


@pytest.mark.parametrize(
    ("between", "within", "outcome"),
    [
        (around(5, 2), None, SUPPORTED),
        (around(-5, 2), None, NOT_SUPPORTED),
        (around(5, 2), around(0, 0.5), NOT_SUPPORTED),  # it was that some people are easier
        (around(0, 9), around(4, 2), SUPPORTED),
        (around(5, 2), around(2, 4), UNDECIDED),
    ],
)
def test_c_rests_on_the_slope_within_examples_where_there_is_one(between, within, outcome):
    mean = DoseResponse("mean", "acc_em", (), between, within)
    others = [dose(-50, 1, metric="mrr"), dose(-50, 1, criterion="utility")]
    verdict = claim_c([*others, mean], 200, COMPARISON, 0.95)
    assert (verdict.claim, verdict.outcome, verdict.persons) == ("c", outcome, 200)


def test_c_in_figures():
    doses = [dose(2, 1, criterion="utility"), dose(3, 1, replace(around(1, 4), n=96))]
    verdict = claim_c(doses, 200, COMPARISON, 0.95)
    assert verdict.figures == (
        "one mark more in utility, over all answers: +2.0 points [1.0, 3.0] (n = 200 persons)",
        "one mark more in the mean mark, over all answers: +3.0 points [2.0, 4.0] (n = 200 persons)",
        "one mark more in the mean mark, among answers to the same example: +1.0 points [-3.0, 5.0] (n = 96 answers)",
        claims._KNOWS_THE_ANSWER,
    )


def test_c_is_open_where_all_marks_are_the_same():
    verdict = claim_c([], 200, COMPARISON, 0.95)
    assert (verdict.outcome, verdict.persons_needed) == (UNDECIDED, None)
    assert verdict.figures == ("All reasons have the same marks (n = 200 persons)",)


def test_few_people_support_no_claim():
    few = dict.fromkeys(PERSONS, 12)
    tests = against("two_models", 50, 1, 0.001)
    found = (claim_a(tests, tests, few, COMPARISON, 0.95), claim_b(tests, few, COMPARISON, 0.95))
    assert [verdict.outcome for verdict in (*found, claim_c([dose(50, 1)], 12, COMPARISON, 0.95))] == [UNDECIDED] * 3


@pytest.fixture(scope="module")
def evidence(answered):
    """200 persons, two seeds: the better the reason, the more often the joint model is right."""
    rng = np.random.default_rng(0)
    mark_P = rng.integers(1, 6, 400).astype(float)

    def runs(right_P):
        ranks = np.where(right_P, 1, 5)
        return pool([answered(ranks[:200], stayers=range(70)), answered(ranks[200:], stayers=range(70))])

    systems = {
        "joint": runs(rng.random(400) < mark_P / 6),
        "two_models": runs(rng.random(400) < 0.2),
        "markov_1": answered(np.where(rng.random(200) < 0.25, 1, 5), stayers=range(70)),
        "untuned": answered(np.full(200, 9), stayers=range(70)),
    }
    marks = {"utility": mark_P, "coherence": mark_P}
    doses = dose_responses(systems["joint"], marks, EVALUATION)
    return Evidence(systems, ["markov_1"], ["untuned"], doses, judged_persons(systems["joint"], marks))


def test_claims_of_a_sweep_that_has_all_rows(evidence):
    found = verdicts(evidence, COMPARISON, EVALUATION)
    assert [(verdict.claim, verdict.outcome, verdict.persons) for verdict in found] == [
        (claim, SUPPORTED, 200) for claim in "abc"
    ]
    assert "joint minus markov_1 among movers" in found[0].figures[1]
    assert found[0].figures[1].endswith("(n = 130 persons)")
    assert any("same example" in figure for figure in found[2].figures)


def test_a_claim_without_its_rows_gives_no_verdict(evidence):
    def claims(**changes):
        return [verdict.claim for verdict in verdicts(replace(evidence, **changes), COMPARISON, EVALUATION)]

    def without(label):
        return {name: scores for name, scores in evidence.systems.items() if name != label}

    assert claims(systems=without("two_models")) == ["a", "c"]
    assert claims(systems=without("markov_1")) == claims(unsupervised=()) == ["b", "c"]
    assert claims(judged_persons=0) == ["a", "b"]
    assert claims(systems=without("joint")) == ["c"]
    assert claims(systems={}, judged_persons=0) == []


def test_rows_of_other_examples_are_no_rivals(evidence, answered):
    systems = {**evidence.systems, "two_models": answered([1, 2])}
    assert [verdict.claim for verdict in verdicts(replace(evidence, systems=systems), COMPARISON, EVALUATION)] == [
        "a",
        "c",
    ]
