from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occpred.evaluation.measures import MEASURES
from occpred.evaluation.scores import FreeTextScores, score
from occpred.rankings import Rankings
from occpred.records import CareerHistory, NextOccupationExample, Occupation
from occpred.taxonomy.taxonomy import Taxonomy


def value(name, scores) -> float:
    measure = MEASURES[name]
    return measure.value(measure.columns(scores).mean(axis=0, keepdims=True)).item()


def ask(log_probs_PC, targets_P):
    """Scores of answers about people who end in the occupations of columns `targets_P`; each is related to the next."""
    codes = [f"{column:02d}-x" for column in range(log_probs_PC.shape[1])]
    nexts = [*codes[1:], codes[-1]]
    occupations = [Occupation(code, f"Title {code}", related=(near,)) for code, near in zip(codes, nexts, strict=True)]
    taxonomy = Taxonomy("test", occupations)
    examples = [
        NextOccupationExample(f"{row}/1", f"{row}", CareerHistory(f"{row}", (), ()), codes[target])
        for row, target in enumerate(targets_P)
    ]
    rankings = Rankings(taxonomy.codes, tuple(example.example_id for example in examples), log_probs_PC)
    return score(rankings, examples, taxonomy)


@pytest.fixture(scope="module")
def by_hand():
    """Twelve equally spaced occupations, best first; the four targets rank 1, 3, 7 and 12."""
    log_probs_PC = np.tile(-np.arange(12) * math.log(2), (4, 1))
    return ask(log_probs_PC, [0, 2, 6, 11])


LOG_SUM = math.log(2 - 2**-11)
"""Of 1 + 1/2 + 1/4 + ... + 1/2048."""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("acc_em", 25.0),
        ("acc_rm", 25.0),
        ("recall@1", 0.25),
        ("recall@5", 0.5),
        ("recall@10", 0.75),
        ("mrr", (1 + 1 / 3 + 1 / 7 + 1 / 12) / 4),
        ("mrr@5", (1 + 1 / 3) / 4),
        ("ndcg@10", (1 + 1 / 2 + 1 / 3) / 4),  # log2 of 2, 4 and 8
        ("major_group_accuracy", 25.0),
        ("perplexity", math.exp((0 + 2 + 6 + 11) * math.log(2) / 4 + LOG_SUM)),
        ("ece", math.exp(-LOG_SUM) - 0.25),
    ],
)
def test_worked_by_hand(by_hand, name, expected):
    assert value(name, by_hand) == pytest.approx(expected)


def test_equal_probabilities_have_the_perplexity_of_the_closed_set():
    assert value("perplexity", ask(np.full((3, 7), -5.0), [0, 3, 6])) == pytest.approx(7)


def test_what_a_system_did_not_give_is_not_measured(by_hand):
    without = [name for name, measure in MEASURES.items() if measure.columns(by_hand) is None]
    assert without == ["reason_spread", "invalid", "acc_em_free_text", "acc_rm_free_text"]


def test_free_text_in_percent(by_hand):
    columns = [np.array(column) for column in ([1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, 0.5, 1.0, 0])]
    written = replace(by_hand, free_text=FreeTextScores(*columns))
    assert [value(name, written) for name in ("invalid", "acc_em_free_text", "acc_rm_free_text")] == [25, 25, 37.5]


def naive(log_probs, targets) -> dict[str, float]:
    """All ranking measures by plain loops over sorted lists."""
    people, totals = len(targets), dict.fromkeys(MEASURES, 0.0)
    for row, target in zip(log_probs.tolist(), targets, strict=True):
        order = sorted(range(len(row)), key=lambda column: (-row[column], column))
        rank = order.index(target) + 1
        for k in (1, 5, 10):
            totals[f"recall@{k}"] += (rank <= k) / people
        totals["acc_em"] += 100 * (order[0] == target) / people
        totals["mrr"] += 1 / rank / people
        totals["mrr@5"] += (1 / rank if rank <= 5 else 0) / people
        totals["ndcg@10"] += (math.log(2) / math.log(1 + rank) if rank <= 10 else 0) / people
        totals["perplexity"] -= (row[target] - math.log(math.fsum(map(math.exp, row)))) / people
    totals["perplexity"] = math.exp(totals["perplexity"])
    return totals


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), people=st.integers(1, 20), occupations=st.integers(1, 15), ties=st.booleans())
def test_equal_to_plain_loops_and_in_bounds(seed, people, occupations, ties):
    rng = np.random.default_rng(seed)
    log_probs_PC = rng.normal(size=(people, occupations))
    log_probs_PC = np.round(log_probs_PC) if ties else log_probs_PC
    targets = rng.integers(occupations, size=people).tolist()
    scores = ask(log_probs_PC, targets)
    expected = naive(log_probs_PC, targets)
    found = {name: value(name, scores) for name in MEASURES if MEASURES[name].columns(scores) is not None}
    for name in ("acc_em", "recall@1", "recall@5", "recall@10", "mrr", "mrr@5", "ndcg@10", "perplexity"):
        assert found[name] == pytest.approx(expected[name]), name
    assert 0 <= found["recall@1"] <= found["recall@5"] <= found["recall@10"] <= 1
    assert found["recall@1"] <= found["mrr@5"] <= found["mrr"] <= 1
    assert found["recall@1"] <= found["ndcg@10"] <= found["recall@10"]
    assert found["acc_em"] == pytest.approx(100 * found["recall@1"])
    assert found["acc_em"] <= found["acc_rm"] <= 100
    assert found["acc_em"] <= found["major_group_accuracy"] <= 100
    assert found["perplexity"] >= 1
    assert 0 <= found["ece"] <= 1


def test_each_measure_is_explained_in_a_sentence():
    explanations = [measure.explanation for measure in MEASURES.values()]
    assert all(each.endswith(".") for each in explanations)
    assert len(set(explanations)) == len(MEASURES)
