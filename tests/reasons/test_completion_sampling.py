from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.reasons.sampling import Sampling
from occpred.records import CareerHistory, NextOccupationExample
from occpred.settings import SettingError

EXAMPLES = [NextOccupationExample(f"p{n}/1", f"p{n}", CareerHistory(f"p{n}", (), ()), "a") for n in range(20)]


def test_samples_that_would_all_be_the_same_are_refused() -> None:
    with pytest.raises(SettingError, match=r"Sampling\.temperature=0.*: must be above 0"):
        Sampling(temperature=0)
    with pytest.raises(SettingError, match=r"Sampling\.num_samples=1: must be at least 2"):
        Sampling(num_samples=1)


def test_all_examples_are_drawn_for_unless_limited() -> None:
    assert Sampling().choose(EXAMPLES) == EXAMPLES
    assert Sampling(max_examples=50).choose(EXAMPLES) == EXAMPLES


@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 5))
def test_more_examples_include_fewer_in_their_order(few: int, more: int, seed: int) -> None:
    fewer = Sampling(max_examples=few, seed=seed).choose(EXAMPLES)
    chosen = Sampling(max_examples=min(few + more, 20), seed=seed).choose(EXAMPLES)
    assert len(fewer) == few
    assert fewer == [example for example in EXAMPLES if example in fewer]
    assert all(example in chosen for example in fewer)


def test_seeds_and_rounds_choose_others() -> None:
    sampling = Sampling(max_examples=10)
    choices = [s.choose(EXAMPLES) for s in (sampling, sampling.of_round(0), sampling.of_round(1))]
    assert choices[0] != choices[1] != choices[2]
    assert sampling.of_round(1) == sampling.of_round(1)
    assert sampling.of_round(1) != Sampling(max_examples=10, seed=1).of_round(0)
