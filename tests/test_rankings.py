from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from occpred.rankings import Certificate, Rankings, rank_bounds

CODES = ("11", "15", "29")


def rankings(log_probs: list[list[float]], **texts: tuple[str, ...]) -> Rankings:
    examples = tuple(f"person/{row}" for row in range(len(log_probs)))
    return Rankings(CODES, examples, np.array(log_probs, dtype=np.float64).reshape(-1, 3), **texts)


def test_probabilities_of_the_closed_set_sum_to_one() -> None:
    # Masses 0.2, 0.1 and 0.1 of a model that spends 0.6 on texts that are no titles.
    given_masses = rankings([[math.log(0.2), math.log(0.1), math.log(0.1)]])
    assert np.exp(given_masses.normalised())[0].tolist() == pytest.approx([0.5, 0.25, 0.25])


def test_tiny_probabilities_are_normalised_without_underflow() -> None:
    assert np.exp(rankings([[-2000.0, -2000.0, -2001.0]]).normalised())[0].tolist() == pytest.approx(
        [1 / (2 + math.exp(-1)), 1 / (2 + math.exp(-1)), math.exp(-1) / (2 + math.exp(-1))]
    )


def test_an_impossible_occupation_keeps_probability_zero() -> None:
    assert np.exp(rankings([[0.0, -math.inf, 0.0]]).normalised())[0].tolist() == [0.5, 0.0, 0.5]


def test_the_order_is_best_first_and_equal_ones_stay_in_taxonomy_order() -> None:
    assert rankings([[-3.0, -1.0, -2.0], [-1.0, -1.0, -1.0], [-2.0, -1.0, -1.0]]).order().tolist() == [
        [1, 2, 0],
        [0, 1, 2],
        [1, 2, 0],
    ]


@given(arrays(np.float64, (4, 3), elements=st.floats(-1e3, 0)))
def test_normalising_changes_no_order(log_probs_PC: np.ndarray) -> None:
    ranked = Rankings(CODES, ("a", "b", "c", "d"), log_probs_PC)
    normalised = ranked.normalised()
    assert np.allclose(np.exp(normalised).sum(axis=1), 1)
    assert (np.diff(np.take_along_axis(normalised, ranked.order(), axis=1)) <= 1e-12).all()


def test_what_is_saved_comes_back_to_the_bit(tmp_path: Path) -> None:
    saved = rankings([[-0.1, -1 / 3, -1e-300]], reasons=("“naïve” reason\nof two lines",), free_text=("",))
    saved.save(tmp_path)
    loaded = Rankings.load(tmp_path)
    assert loaded.log_probs_PC.tobytes() == saved.log_probs_PC.tobytes()
    assert (loaded.codes, loaded.example_ids) == (saved.codes, saved.example_ids)
    assert (loaded.reasons, loaded.free_text) == (saved.reasons, saved.free_text)


def test_a_certificate_comes_back_with_what_it_is_about(tmp_path: Path) -> None:
    log_probs_PRC = np.log([[[0.5, 0.2, 0.1], [0.3, 0.3, 0.1]], [[0.2, 0.2, 0.2], [0.7, 0.1, 0.05]]])
    upper_PRC = log_probs_PRC + np.log([1, 1, 2])
    certificate = Certificate(1e-3, 10, upper_PRC, unopened=upper_PRC[:, :, 2])
    saved = Rankings.averaged(codes=CODES, example_ids=("a", "b"), log_probs_PRC=log_probs_PRC, certificate=certificate)
    saved.save(tmp_path)
    loaded = Rankings.load(tmp_path)
    for own, other in zip((saved, *saved.for_each_reason()), (loaded, *loaded.for_each_reason()), strict=True):
        assert own.certificate
        assert other.certificate
        assert (other.certificate.epsilon, other.certificate.top) == (1e-3, 10)
        np.testing.assert_array_equal(own.certificate.upper, other.certificate.upper)
        np.testing.assert_array_equal(own.certificate.unopened, other.certificate.unopened)
    # Of the mean of 0.1 and 0.1 at least 0 and at most 0.2 is there, beside 0.4 + 0.25.
    np.testing.assert_allclose(np.exp(loaded.certificate.unopened[0]), 0.2)  # type: ignore[union-attr]
    np.testing.assert_allclose(loaded.unopened_share()[0], 0.2 / 0.85)


def test_ranks_lie_between_what_is_certain_and_what_is_possible() -> None:
    upper_PC, known_PC = np.log([[0.5, 0.1, 0.3, 0.1, 0.2]]), np.array([[True, True, False, True, False]])
    asked = [rank_bounds(upper_PC, known_PC, np.array([column])) for column in (0, 1, 3)]
    # Behind 0.5; behind that, if the unknown ones come to nothing; the same with its equal, which comes first.
    assert [(int(best), int(worst)) for [best], [worst] in asked] == [(1, 1), (2, 4), (3, 5)]


def test_a_view_of_a_larger_array_is_saved_as_it_looks(tmp_path: Path) -> None:
    log_probs_PC = np.arange(12.0).reshape(2, 6)[:, ::2]
    Rankings(CODES, ("a", "b"), log_probs_PC).save(tmp_path)
    assert Rankings.load(tmp_path).log_probs_PC.tolist() == log_probs_PC.tolist()


def test_no_examples_make_empty_rankings(tmp_path: Path) -> None:
    rankings([]).save(tmp_path)
    assert Rankings.load(tmp_path).log_probs_PC.shape == (0, 3)


@pytest.mark.parametrize(
    ("log_probs", "texts", "message"),
    [
        (np.zeros((2, 3)), {}, r"log_probs_PC has shape \(2, 3\), expected \(1, 3\)"),
        (np.zeros((1, 2)), {}, r"log_probs_PC has shape \(1, 2\), expected \(1, 3\)"),
        (np.zeros((1, 3)), {"reasons": ("a", "b")}, "reasons has 2 entries for 1 examples"),
        (np.zeros((1, 3)), {"free_text": ("a", "b")}, "free_text has 2 entries for 1 examples"),
    ],
)
def test_rankings_that_do_not_fit_together_are_refused(
    log_probs: np.ndarray, texts: dict[str, tuple[str, ...]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Rankings(CODES, ("person/0",), log_probs, **texts)


def test_the_mean_over_reasons_is_that_of_probabilities_and_keeps_each_apart(tmp_path: Path) -> None:
    # Given one reason 0.5, 0.3, 0.2, given the other 0.1, 0.6, 0.3: on average 0.3, 0.45, 0.25.
    apart_PRC = np.log([[[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]]])
    averaged = Rankings.averaged(log_probs_PRC=apart_PRC, codes=CODES, example_ids=("a",))
    assert np.exp(averaged.log_probs_PC)[0].tolist() == pytest.approx([0.3, 0.45, 0.25])
    averaged.save(tmp_path)
    first, second = Rankings.load(tmp_path).for_each_reason()
    assert np.exp(first.log_probs_PC)[0].tolist() == pytest.approx([0.5, 0.3, 0.2])
    assert np.exp(second.log_probs_PC)[0].tolist() == pytest.approx([0.1, 0.6, 0.3])


def test_the_mean_over_one_reason_is_that_reasons_answer() -> None:
    single = Rankings.averaged(log_probs_PRC=np.array([[[-2000.0, -2000.5, -2001.0]]]), codes=CODES, example_ids=("a",))
    assert single.log_probs_PC.tolist() == [[-2000.0, -2000.5, -2001.0]]
    assert single.for_each_reason() == [single]
