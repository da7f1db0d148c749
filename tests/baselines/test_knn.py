from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.baselines.knn import KNearestNeighbours
from occpred.records import CareerHistory, Occupation, Position
from occpred.settings import SettingError
from occpred.taxonomy.taxonomy import Taxonomy

CODES = "ABCD"
letters = st.text(CODES, max_size=6)
CAREERS = ["AB", "AC", "BAC"]
# Beginnings and what followed: A -> B, A -> C, B -> A, BA -> C. At decay 1/2, BA is (1, 1/2) / sqrt(5/4).
SIMILARITY_OF_BA_TO_A = 1 / math.sqrt(1.25)


@pytest.mark.parametrize(
    ("num_neighbours", "votes"),
    [
        pytest.param(1, [0, 1, 1, 0], id="a tie with the last one is let in"),
        pytest.param(2, [0, 1, 1, 0], id="two"),
        pytest.param(3, [0, 1, 1 + SIMILARITY_OF_BA_TO_A, 0], id="three"),
        pytest.param(4, [0, 1, 1 + SIMILARITY_OF_BA_TO_A, 0], id="B has nothing of A and no vote"),
    ],
)
def test_votes_by_hand(taxonomy, career, num_neighbours, votes):
    baseline = KNearestNeighbours(num_neighbours=num_neighbours, decay=0.5, back_off_votes=2.0)
    fitted = baseline.fit([career(letters) for letters in CAREERS], taxonomy)
    back_off = np.exp(fitted.back_off.log_probs(career("A")))
    expected = (np.array(votes) + 2 * back_off) / (sum(votes) + 2)
    np.testing.assert_allclose(np.exp(fitted.log_probs(career("A"))), expected)


def test_positions_fade_with_age(taxonomy, career):
    # ABA at decay 1/2 is A 1 + 1/4, B 1/2; the beginning A, which C followed, is as near as 5 / sqrt(29).
    fitted = KNearestNeighbours(decay=0.5, back_off_votes=1e-9).fit([career("AC"), career("BD")], taxonomy)
    similar_to_A, similar_to_B = 1.25, 0.5
    expected = [similar_to_A / 1.75, similar_to_B / 1.75]
    np.testing.assert_allclose(np.exp(fitted.log_probs(career("ABA")))[2:], expected, rtol=1e-6)


@pytest.mark.parametrize("history", ["", "D", "DD"])
def test_without_an_occupation_in_common_the_back_off_answers(taxonomy, career, history):
    fitted = KNearestNeighbours().fit([career("AAB"), career("AC")], taxonomy)
    answer = fitted.log_probs(career(history))
    np.testing.assert_allclose(answer, fitted.back_off.log_probs(career(history)))


@given(careers=st.lists(letters, max_size=8), history=letters, num_neighbours=st.integers(1, 5), data=st.data())
def test_the_order_of_the_careers_means_nothing(careers, history, num_neighbours, data):
    shuffled = data.draw(st.permutations(careers))
    first, second = (answer(order, history, num_neighbours) for order in (careers, shuffled))
    np.testing.assert_allclose(first, second)


@given(careers=st.lists(letters, max_size=8), history=letters, num_neighbours=st.integers(1, 5))
def test_equal_to_the_formula_term_by_term(careers, history, num_neighbours):
    taxonomy = Taxonomy("letters", [Occupation(code=code, title=code) for code in CODES])
    fitted = KNearestNeighbours().back_off.fit([person(letters) for letters in careers], taxonomy)
    back_off = np.exp(fitted.log_probs(person(history)))
    votes = [
        (similarity(history, career[:length]), career[length]) for career in careers for length in range(1, len(career))
    ]
    nearest = sorted((vote for vote, _ in votes), reverse=True)[:num_neighbours]
    let_in = [(vote, code) for vote, code in votes if vote > 0 and vote >= nearest[-1] - 1e-9]
    total = 3 + sum(vote for vote, _ in let_in)
    expected = [
        (3 * back_off[column] + sum(vote for vote, follower in let_in if follower == code)) / total
        for column, code in enumerate(CODES)
    ]
    np.testing.assert_allclose(answer(careers, history, num_neighbours), expected)


def person(codes: str) -> CareerHistory:
    return CareerHistory("p", (), tuple(Position(code, code) for code in codes))


def answer(careers: list[str], history: str, num_neighbours: int) -> np.ndarray:
    taxonomy = Taxonomy("letters", [Occupation(code=code, title=code) for code in CODES])
    baseline = KNearestNeighbours(num_neighbours=num_neighbours, decay=0.5, back_off_votes=3.0)
    return np.exp(baseline.fit([person(letters) for letters in careers], taxonomy).log_probs(person(history)))


def similarity(one: str, other: str) -> float:
    """The cosine, occupation by occupation."""

    def weight(codes: str, code: str) -> float:
        return sum(0.5 ** (len(codes) - 1 - place) for place, held in enumerate(codes) if held == code)

    product = sum(weight(one, code) * weight(other, code) for code in CODES)
    squares = [sum(weight(codes, code) ** 2 for code in CODES) for codes in (one, other)]
    return product / math.sqrt(squares[0] * squares[1]) if product else 0.0


@pytest.mark.parametrize("decay", [0.0, 1.1])
def test_a_decay_that_is_none_is_refused(decay):
    with pytest.raises(SettingError, match=r"KNearestNeighbours\.decay"):
        KNearestNeighbours(decay=decay)
