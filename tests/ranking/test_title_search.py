"""What a search knows in the end, held against all probabilities; and every measure made of it against its bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occpred.evaluation.certainty import certainty
from occpred.evaluation.intervals import GROUPS
from occpred.evaluation.measures import MEASURES
from occpred.evaluation.scores import Scores, score
from occpred.ranking.title_search import most_nodes
from occpred.ranking.title_trie import TitleTrie
from occpred.rankings import Rankings
from occpred.records import CareerHistory, NextOccupationExample, Occupation, Position
from occpred.taxonomy.taxonomy import Taxonomy
from tests.ranking.table_model import TableModel, as_rankings, drawn_titles, known

EXACT = {"acc_em", "acc_rm", "recall@1", "recall@5", "recall@10", "mrr@5", "ndcg@10", "major_group_accuracy"}
TITLES = drawn_titles(90, seed=5)
CODES = tuple(f"{place % 7 + 10}-{place:03}" for place in range(len(TITLES)))
OCCUPATIONS = [
    Occupation(code, f"title {code}", related=tuple(sorted(set(CODES[place : place + 3]) - {code})))
    for place, code in enumerate(CODES)
]
TAXONOMY = Taxonomy("test", OCCUPATIONS)


def test_the_trie_knows_its_stretches() -> None:
    trie = TitleTrie([[1, 2, 9], [1, 2, 3, 9], [1, 9], [4, 9], [7, 7, 7, 9]])
    assert trie.tokens_N.tolist() == [0, 1, 2, 3, 9, 9, 9, 4, 9, 7, 7, 7, 9]
    # Behind 1 and 2 the ways part; 7, 7, 7 is read at once, and ends are not read at all.
    assert [trie.lasts_N[node] for node in (1, 2, 3, 7, 9, 10)] == [1, 2, 3, 7, 11, 11]
    assert trie.titles_N[:4].tolist() == [5, 3, 2, 1]
    parents, children = trie.edges(np.array([2, 0]))
    assert (parents.tolist(), children.tolist()) == ([0, 0, 1, 1, 1], [3, 5, 1, 7, 9])
    assert trie.behind(np.array([0, 1, 9]), np.array([1, 2, 4])).tolist() == [1, 6, 12]


@given(st.sampled_from([0.3, 2.0, 5.0]), st.integers(0, 10**6), st.integers(1, 3), st.sampled_from([1e-4, 1e-2, 0.1]))
@settings(max_examples=20)
def test_measures_are_off_by_no_more_than_is_said(sharpness: float, seed: int, reasons: int, epsilon: float) -> None:
    generator = np.random.default_rng(seed)
    model = TableModel(TITLES, 12, sharpness=sharpness, seed=seed)
    rows_PR = generator.integers(0, 12, (20, reasons))
    # Targets such as the model expects, and some that it does not.
    expected_P = model.exact(rows_PR).log_probs_PRC[:, 0].argmax(axis=1)
    asked_P = np.where(generator.random(20) < 0.5, expected_P, generator.integers(0, len(TITLES), 20))
    examples = [example(row, int(asked)) for row, asked in enumerate(asked_P)]
    ids = tuple(each.example_id for each in examples)
    exact = as_rankings(model.exact(rows_PR), TAXONOMY.codes, ids)
    found = as_rankings(model.certified(rows_PR, asked_P, epsilon=epsilon), TAXONOMY.codes, ids)
    for whole, certified in zip((exact, *exact.for_each_reason()), (found, *found.for_each_reason()), strict=True):
        check_measures(whole, certified, examples, epsilon)


def example(row: int, asked: int) -> NextOccupationExample:
    last = TAXONOMY.codes[asked if row % 3 == 0 else (asked + 1) % len(TAXONOMY)]
    history = CareerHistory(f"p{row // 2}", (), (Position(last, last),))
    return NextOccupationExample(f"{row}", f"p{row // 2}", history, TAXONOMY.codes[asked])


def check_measures(exact: Rankings, found: Rankings, examples: list[NextOccupationExample], epsilon: float) -> None:
    true, ours = score(exact, examples, TAXONOMY), score(found, examples, TAXONOMY)
    said = certainty(found, ours)
    assert said
    assert (said.epsilon, said.top) == (epsilon, 10)
    assert said.largest <= epsilon
    assert said.num_answers == len(examples)
    assert said.num_exact <= known(found)[1].all(axis=1).sum()
    assert (said.largest == 0) == (said.num_exact == said.num_answers)
    assert certainty(exact, true) is None
    for entry in said.errors:
        gap = abs(value(true, entry.metric, entry.group) - value(ours, entry.metric, entry.group))
        assert gap <= entry.error + 1e-9, (entry, gap)
        if entry.metric in EXACT:
            assert entry.error == 0
        if entry.metric in {"mrr", "reason_spread"}:
            assert entry.error <= epsilon
        if entry.metric == "perplexity":
            assert entry.error <= 1.2 * epsilon * value(ours, entry.metric, entry.group)


def value(scores: Scores, metric: str, group: str) -> float:
    columns_PK = MEASURES[metric].columns(scores)
    assert columns_PK is not None
    return float(MEASURES[metric].value(columns_PK[GROUPS[group](scores)].mean(axis=0, keepdims=True))[0])


def test_rankings_that_were_certified_for_others_are_refused() -> None:
    model = TableModel(TITLES, 3, sharpness=5, seed=0)
    rows_PR = np.arange(3)[:, None]
    worst_P = model.exact(rows_PR).log_probs_PRC[:, 0].argmin(axis=1)
    best_P = model.exact(rows_PR).log_probs_PRC[:, 0].argmax(axis=1)
    ids = ("0", "1", "2")
    found = as_rankings(model.certified(rows_PR, best_P), TAXONOMY.codes, ids)
    with pytest.raises(ValueError, match="certified for other targets"):
        score(found, [example(row, int(worst)) for row, worst in enumerate(worst_P)], TAXONOMY)


@pytest.mark.parametrize(("sharpness", "at_most"), [(5, 0.2), (6, 0.1), (10, 0.05)])
def test_the_surer_a_model_the_less_is_read(sharpness: float, at_most: float) -> None:
    titles = drawn_titles(600, seed=6, tokens=40)
    model = TableModel(titles, 10, sharpness=sharpness, seed=7)
    rows_PR = np.arange(10)[:, None]
    best_P = model.exact(rows_PR).log_probs_PRC[:, 0].argmax(axis=1)
    model.certified(rows_PR, best_P, tokens=100)
    assert not model.whole
    assert model.counts_D.mean() <= at_most * len(model.trie)


SHARPNESS = {"flat": 0.1, "unsure": 1.0, "half sure": 3.0, "sure": 6.0, "mixed": [0.1, 6.0, 1.0, 3.0]}


@pytest.mark.parametrize("sharpness", SHARPNESS.values(), ids=SHARPNESS)
def test_how_much_is_read_at_a_time_changes_nothing(sharpness: float | list[float]) -> None:
    """Not even the guesses: what a question opens does not depend on what is known besides."""
    rows_PR, asked_P = np.array([[0, 1], [1, 2], [3, 3]]), np.array([5, 6, 7])

    def found(questions: slice, tokens: int) -> tuple[np.ndarray, ...]:
        model = TableModel(TITLES, 4, sharpness=sharpness, seed=8)
        answers = model.certified(rows_PR[questions], asked_P[questions], tokens=tokens)
        assert answers.certificate
        return answers.log_probs_PRC, answers.certificate.upper, answers.certificate.unopened

    together = found(slice(None), 1000)
    for tokens in (1, 30):
        for whole, apart in zip(together, found(slice(None), tokens), strict=True):
            np.testing.assert_array_equal(apart, whole)
    for whole, alone in zip(together, found(slice(1, 2), 30), strict=True):
        np.testing.assert_array_equal(alone, whole[1:2])


@given(
    st.lists(st.sampled_from([0.1, 1.0, 3.0, 8.0]), min_size=1, max_size=8),
    st.integers(1, 3),
    st.sampled_from([1, 40, 5000]),
    st.integers(0, 10**6),
)
@settings(max_examples=25)
def test_no_prompt_takes_much(sharpness: list[float], reasons: int, tokens: int, seed: int) -> None:
    """Neither of what is remembered nor of what is read together."""
    generator = np.random.default_rng(seed)
    model = TableModel(TITLES, len(sharpness), sharpness=sharpness, seed=seed)
    rows_PR = generator.permuted(np.tile(np.arange(len(sharpness)), (6, reasons)), axis=1)[:, :reasons]
    model.certified(rows_PR, generator.integers(0, len(TITLES), 6), tokens=tokens)
    assert model.counts_D.max() <= most_nodes(model.trie)
    assert len(set(model.whole)) == len(model.whole)
    longest = int(model.trie.lengths_N.max())
    for widths in model.widths[1:]:
        assert max(widths, default=0) <= max(tokens // max(1, len(widths)), longest)


def test_a_flat_model_is_read_at_once_and_exact() -> None:
    model = TableModel(TITLES, 3, sharpness=0.1, seed=1)
    rows_PR = np.array([[0, 1], [1, 1], [0, 2]])
    found = model.certified(rows_PR, np.array([1, 2, 3]))
    assert found.certificate
    assert sorted(model.whole) == [0, 1, 2]
    assert np.isneginf(found.certificate.unopened).all()
    np.testing.assert_allclose(found.log_probs_PRC, model.exact(rows_PR).log_probs_PRC)
    np.testing.assert_array_equal(found.certificate.upper, found.log_probs_PRC)


def test_only_the_unsure_are_read_at_once() -> None:
    """Each answer to a reason by itself, though one question asks behind sure and unsure prompts."""
    model = TableModel(TITLES, 4, sharpness=[0.1, 8, 0.1, 8], seed=3)
    rows_PR = np.array([[0, 1], [3, 3]])
    best_P = model.exact(rows_PR).log_probs_PRC[:, 1].argmax(axis=1)
    found = model.certified(rows_PR, best_P)
    assert found.certificate
    assert model.whole == [0]
    np.testing.assert_array_equal(np.isneginf(found.certificate.unopened), [[True, False], [False, False]])


def test_a_node_is_read_once() -> None:
    model = TableModel(TITLES, 2, sharpness=3, seed=1)
    rows_PR = np.array([[0, 1], [1, 1], [0, 0]])
    model.certified(rows_PR, np.array([1, 2, 3]), epsilon=1e-6, tokens=5)
    assert model.counts_D.max() <= int((~model.trie.is_leaf_N).sum())
