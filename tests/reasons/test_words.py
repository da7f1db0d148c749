from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.reasons.words import alike, find_words, fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Registered Nurses", "registered nurse"),
        ("Secretaries", "secretary"),
        ("Waitresses", "WAITRESS"),
        ("Firewomen", "firewoman"),
        ("Café  Managers", "cafe manager"),
        ("Parts & Service Clerk", "parts and service clerks"),
        ("Bachelor's", "bachelors"),
    ],
)
def test_singular_plural_case_and_accents_fold_together(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_words_that_only_look_like_plurals_stay() -> None:
    assert fold("gas business analysis C++ campus") == ("gas", "business", "analysis", "c++", "campus")


def test_words_know_their_places() -> None:
    text = "Two  Nurses."
    assert [(word.text, text[word.start : word.end]) for word in find_words(text)] == [
        ("two", "Two"),
        ("nurse", "Nurses"),
    ]


@pytest.mark.parametrize(("one", "other"), [("nurse", "nursing"), ("teacher", "teaching"), ("cook", "cook")])
def test_words_of_one_stem_are_alike(one: str, other: str) -> None:
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(("one", "other"), [("account", "accent"), ("cook", "cool"), ("it", "item"), ("", "nurse")])
def test_other_words_are_not(one: str, other: str) -> None:
    assert not alike(one, other)


@given(st.text())
def test_places_lie_in_the_text_and_in_order(text: str) -> None:
    words = find_words(text)
    assert all(0 <= word.start < word.end <= len(text) for word in words)
    assert [word.start for word in words] == sorted(word.start for word in words)
