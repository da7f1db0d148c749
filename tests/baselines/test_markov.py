from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.baselines.markov_1 import Markov1
from occpred.baselines.markov_2 import Markov2
from occpred.baselines.popularity import Popularity
from occpred.records import CareerHistory, Occupation, Position
from occpred.settings import SettingError
from occpred.taxonomy.taxonomy import Taxonomy

CODES = "ABCD"
letters = st.text(CODES, max_size=6)


def test_first_order_by_hand(taxonomy, career):
    fitted = Markov1(discount=0.75).fit([career("AAB"), career("AAC")], taxonomy)
    # After A: A twice, B and C once, so n = 4 and m = 3; popularity is (5, 2, 2, 1) / 10.
    back_off = 0.75 * 3 / 4
    expected = [1.25 / 4 + back_off * 0.5, 0.25 / 4 + back_off * 0.2, 0.25 / 4 + back_off * 0.2, back_off * 0.1]
    np.testing.assert_allclose(np.exp(fitted.log_probs(career("DA"))), expected)


def test_second_order_by_hand(taxonomy, career):
    fitted = Markov2(discount=0.5).fit([career("AAB"), career("AAC")], taxonomy)
    # After A, A: B and C once each, so n = m = 2 and half of the mass is the first order's.
    first_order = np.exp(fitted.back_off.log_probs(career("A")))
    expected = [0.5 * first_order[0], 0.25 + 0.5 * first_order[1], 0.25 + 0.5 * first_order[2], 0.5 * first_order[3]]
    np.testing.assert_allclose(np.exp(fitted.log_probs(career("BAA"))), expected)


@pytest.mark.parametrize("history", ["", "D", "AD", "BA"])
def test_an_unknown_context_is_left_to_the_back_off(taxonomy, career, history):
    fitted = Markov2().fit([career("AAB"), career("AAC")], taxonomy)
    np.testing.assert_array_equal(fitted.log_probs(career(history)), fitted.back_off.log_probs(career(history)))


def test_the_back_off_has_its_own_settings(taxonomy, career):
    baseline = Markov2(back_off=Markov1(discount=0.25, back_off=Popularity(smoothing=3.0)))
    fitted = baseline.fit([career("AB")], taxonomy)
    np.testing.assert_allclose(np.exp(fitted.log_probs(career(""))), [4 / 14, 4 / 14, 3 / 14, 3 / 14])


@pytest.mark.parametrize("discount", [0.0, 1.0])
def test_a_discount_that_leaves_nothing_to_one_side_is_refused(discount):
    with pytest.raises(SettingError, match=r"Markov1\.discount"):
        Markov1(discount=discount)


def naive(careers: list[str], history: str, order: int, following: str) -> float:
    """The formula of `Markov`, term by term, on strings."""
    if order == 0:
        return ("".join(careers).count(following) + 1) / (len("".join(careers)) + len(CODES))
    context = history[-order:]
    shorter = naive(careers, history, order - 1, following)
    runs = [career[start : start + order + 1] for career in careers for start in range(len(career) - order)]
    seen = [run[-1] for run in runs if run[:-1] == context]
    if len(context) < order or not seen:
        return shorter
    return max(seen.count(following) - 0.75, 0) / len(seen) + 0.75 * len(set(seen)) / len(seen) * shorter


@pytest.mark.parametrize("baseline", [Markov1(), Markov2()], ids=["first", "second"])
@given(careers=st.lists(letters, max_size=8), history=letters)
def test_equal_to_the_formula_term_by_term(baseline, careers, history):
    taxonomy = Taxonomy("letters", [Occupation(code=code, title=code) for code in CODES])
    people = [CareerHistory("p", (), tuple(Position(code, code) for code in career)) for career in [*careers, history]]
    probs = np.exp(baseline.fit(people[:-1], taxonomy).log_probs(people[-1]))
    np.testing.assert_allclose(probs, [naive(careers, history, baseline.order, code) for code in CODES])
