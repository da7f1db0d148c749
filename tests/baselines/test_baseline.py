from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occpred.baselines.baseline import rank
from occpred.baselines.career import Career
from occpred.baselines.gru4rec import Gru4Rec
from occpred.baselines.knn import KNearestNeighbours
from occpred.baselines.logistic import MultinomialLogistic
from occpred.baselines.markov_1 import Markov1
from occpred.baselines.markov_2 import Markov2
from occpred.baselines.popularity import Popularity
from occpred.baselines.repeat_last import RepeatLast
from occpred.records import CareerHistory, NextOccupationExample, Occupation, Position
from occpred.taxonomy.taxonomy import Taxonomy

COUNTING = [Popularity(), RepeatLast(), Markov1(), Markov2(), KNearestNeighbours()]
LEARNING = [MultinomialLogistic(), Career(hidden_size=8, max_epochs=1), Gru4Rec(hidden_size=8, max_epochs=1)]
BASELINES = [*COUNTING, *LEARNING]
all_baselines = pytest.mark.parametrize("baseline", BASELINES, ids=lambda baseline: baseline.name)
letters = st.text("ABCD", max_size=6)


def test_names_are_distinct():
    assert len({baseline.name for baseline in BASELINES}) == len(BASELINES)


@pytest.mark.parametrize("baseline", COUNTING, ids=lambda baseline: baseline.name)
@given(careers=st.lists(letters, max_size=8), history=letters)
def test_log_probs_are_finite_and_sum_to_one(baseline, careers, history):
    check_log_probs(baseline, careers, history)


@pytest.mark.parametrize("baseline", LEARNING, ids=lambda baseline: baseline.name)
@settings(max_examples=15)
@given(careers=st.lists(letters, max_size=8), history=letters)
def test_learned_log_probs_are_finite_and_sum_to_one(baseline, careers, history):
    check_log_probs(baseline, careers, history)


def check_log_probs(baseline, careers, history):
    taxonomy = Taxonomy("letters", [Occupation(code=letter, title=letter) for letter in "ABCDE"])
    people = [CareerHistory("p", (), tuple(Position(code, code) for code in career)) for career in [*careers, history]]
    log_probs_C = baseline.fit(people[:-1], taxonomy).log_probs(people[-1])
    assert log_probs_C.shape == (5,)
    assert np.isfinite(log_probs_C).all()
    assert np.isclose(np.exp(log_probs_C).sum(), 1)


@all_baselines
def test_rank_answers_every_example_in_order(baseline, taxonomy, career):
    histories = [career("AB"), career(""), career("D")]
    examples = [NextOccupationExample(f"{row}/1", str(row), history, "A") for row, history in enumerate(histories)]
    rankings = rank(baseline, [career("AAB"), career("ACC")], examples, taxonomy)
    fitted = baseline.fit([career("AAB"), career("ACC")], taxonomy)
    assert rankings.codes == taxonomy.codes
    assert rankings.example_ids == ("0/1", "1/1", "2/1")
    np.testing.assert_array_equal(rankings.log_probs_PC, [fitted.log_probs(history) for history in histories])


@all_baselines
def test_an_answer_does_not_change_the_next(baseline, taxonomy, career):
    fitted = baseline.fit([career("AAB")], taxonomy)
    first = fitted.log_probs(career("AA")).copy()
    fitted.log_probs(career("AB"))
    np.testing.assert_array_equal(fitted.log_probs(career("AA")), first)


@all_baselines
def test_an_occupation_outside_the_taxonomy_is_an_error(baseline, taxonomy, career):
    with pytest.raises(KeyError):
        baseline.fit([career("AZ")], taxonomy)
