from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from occpred.baselines.repeat_last import RepeatLast
from occpred.records import CareerHistory, Occupation, Position
from occpred.taxonomy.taxonomy import Taxonomy

letters = st.text("ABCD", max_size=6)


def test_a_stay_or_else_popularity(taxonomy, career):
    fitted = RepeatLast().fit([career("AAB"), career("AC")], taxonomy)
    # Pairs AA, AB, AC: one stay of three, (1 + 1) / (3 + 2) = 0.4. Popularity is (4, 2, 2, 1) / 9.
    expected = [0.6 * 4 / 9, 0.4 + 0.6 * 2 / 9, 0.6 * 2 / 9, 0.6 * 1 / 9]
    np.testing.assert_allclose(np.exp(fitted.log_probs(career("AB"))), expected)


def test_popular_occupations_never_overtake_the_last_one(taxonomy, career):
    fitted = RepeatLast().fit([career("ABACADAB")] * 20, taxonomy)
    # No stay in 140 pairs would give 1 / 142; A's popularity (80 + 1) / (160 + 4) demands at least 81 / (164 + 81).
    assert np.isclose(fitted.stay, 81 / 245)
    assert np.argmax(fitted.log_probs(career("D"))) == 3


def test_without_history_popularity_answers(taxonomy, career):
    fitted = RepeatLast().fit([career("AAB")], taxonomy)
    np.testing.assert_array_equal(fitted.log_probs(career("")), fitted.popularity.log_probs(career("")))


@given(careers=st.lists(letters, max_size=8), history=letters.filter(bool))
def test_the_last_occupation_leads_and_the_others_follow_by_popularity(careers, history):
    taxonomy = Taxonomy("letters", [Occupation(code=letter, title=letter) for letter in "ABCD"])
    people = [CareerHistory("p", (), tuple(Position(code, code) for code in career)) for career in [*careers, history]]
    fitted = RepeatLast().fit(people[:-1], taxonomy)
    order = np.argsort(-fitted.log_probs(people[-1]), kind="stable")
    count = {column: "".join(careers).count(code) for column, code in enumerate(taxonomy.codes)}
    last = taxonomy.index(history[-1])
    others = sorted(set(range(4)) - {last}, key=lambda column: (-count[column], column))
    assert list(order) == [last, *others]
