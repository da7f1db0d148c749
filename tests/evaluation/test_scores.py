from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from occpred.evaluation.scores import score
from occpred.rankings import Rankings
from occpred.taxonomy.taxonomy import Taxonomy


def rankings(taxonomy, probs_PC, examples, free_text=()):
    log_probs_PC = np.log(np.array(probs_PC, dtype=np.float64).reshape(len(examples), len(taxonomy)))
    return Rankings(taxonomy.codes, tuple(example.example_id for example in examples), log_probs_PC, (), free_text)


@pytest.fixture
def examples(question):
    """Ann becomes a cook after baking, Bob stays a waiter, Cem starts as a soldier."""
    return [question("ann", "11-1", "11-2"), question("bob", "22-1", "22-1"), question("cem", "", "33-1")]


@pytest.fixture
def scores(taxonomy, examples):
    # Columns: Baker, Cook, Waiter, Soldier. Cem's row is not normalised, with a tie of Cook, Waiter and Soldier.
    probs_PC = [[0.1, 0.2, 0.6, 0.1], [0.1, 0.2, 0.6, 0.1], [0.2, 0.1, 0.1, 0.1]]
    return score(rankings(taxonomy, probs_PC, examples), examples, taxonomy)


def test_ranks_count_from_one_and_break_ties_by_taxonomy_order(scores):
    np.testing.assert_array_equal(scores.rank_P, [2, 1, 4])


def test_matches_are_those_of_the_first_choice(scores):
    np.testing.assert_array_equal(scores.acc_em_P, [0, 1, 0])
    np.testing.assert_array_equal(scores.acc_rm_P, [1 / 2, 1, 0])


def test_probabilities_are_of_the_closed_set(scores):
    np.testing.assert_allclose(np.exp(scores.log_prob_P), [0.2, 0.6, 0.2])
    np.testing.assert_allclose(scores.confidence_P, [0.6, 0.6, 0.4])


def test_a_career_without_a_past_is_a_move(scores):
    np.testing.assert_array_equal(scores.is_move_P, [True, False, True])


def test_people_and_examples_are_named(scores):
    assert scores.person_ids == ("ann", "bob", "cem")
    assert scores.example_ids == ("ann/1", "bob/1", "cem/1")
    assert scores.free_text is None


def test_major_groups(taxonomy, question):
    examples = [question("ann", "11-1", "11-2"), question("bob", "11-1", "22-1")]
    baker = [0.7, 0.1, 0.1, 0.1]
    scores = score(rankings(taxonomy, [baker, baker], examples), examples, taxonomy)
    np.testing.assert_array_equal(scores.major_group_P, [1, 0])


def test_free_text_is_scored_as_it_was_written(taxonomy, examples):
    answers = rankings(taxonomy, [[0.25] * 4] * 3, examples, free_text=("Cook", "Baker", "soldier"))
    free_text = score(answers, examples, taxonomy).free_text
    np.testing.assert_array_equal(free_text.invalid_P, [0, 0, 1])
    np.testing.assert_array_equal(free_text.acc_em_P, [1, 0, 0])
    np.testing.assert_array_equal(free_text.acc_rm_P, [1, 1 / 2, 0])


def test_the_spread_over_reasons_is_that_of_the_true_occupations_probability(taxonomy, examples):
    # Given one reason the target gets 0.7, 0.1 and 0.1, given the other 0.1, 0.1 and 0.7: 0.3 to either side of 0.4.
    one, other = [0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7]
    target_columns = [taxonomy.index(example.target_code) for example in examples]
    apart_PRC = np.log([[np.roll(one, column), np.roll(other, column)] for column in target_columns])
    answers = Rankings.averaged(
        log_probs_PRC=apart_PRC,
        codes=taxonomy.codes,
        example_ids=tuple(example.example_id for example in examples),
    )
    np.testing.assert_allclose(score(answers, examples, taxonomy).reason_spread_P, [0.3, 0.3, 0.3])
    alone = answers.for_each_reason()[0]
    assert score(alone, examples, taxonomy).reason_spread_P is None


def test_where_no_titles_are_related_there_is_no_acc_rm(taxonomy, examples):
    alone = Taxonomy("alone", [replace(occupation, related=()) for occupation in taxonomy.occupations])
    scores = score(rankings(alone, [[0.25] * 4] * 3, examples, free_text=("Cook", "Baker", "soldier")), examples, alone)
    assert scores.acc_rm_P is scores.free_text.acc_rm_P is None


def test_no_examples_give_empty_scores(taxonomy):
    scores = score(rankings(taxonomy, [], []), [], taxonomy)
    assert scores.rank_P.shape == scores.acc_em_P.shape == scores.is_move_P.shape == (0,)


def test_rankings_of_other_examples_are_refused(taxonomy, examples):
    with pytest.raises(ValueError, match="other examples"):
        score(rankings(taxonomy, [[0.25] * 4] * 3, examples[::-1]), examples, taxonomy)


def test_rankings_of_other_occupations_are_refused(taxonomy, examples):
    other = Rankings(("x",), ("ann/1", "bob/1", "cem/1"), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="other occupations than those of test"):
        score(other, examples, taxonomy)


@pytest.mark.parametrize("bad", [np.nan, -np.inf, np.inf])
def test_broken_log_probabilities_are_refused(taxonomy, examples, bad):
    answers = rankings(taxonomy, [[0.25] * 4] * 3, examples)
    answers.log_probs_PC[1, 2] = bad
    with pytest.raises(ValueError, match="not finite"):
        score(answers, examples, taxonomy)
