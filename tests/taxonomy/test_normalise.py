"""Titles that differ only in case, spacing, punctuation, accents or Unicode form get one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.taxonomy.normalise import normalise


@pytest.mark.parametrize(
    ("title", "spelling"),
    [
        ("Registered Nurses", "registered nurses"),
        ("  Registered\u00a0 Nurses\n", "registered nurses"),
        ("Helpers--Carpenters", "helpers carpenters"),
        ("Police and Sheriff's Patrol Officers", "police and sheriffs patrol officers"),
        ("Police and Sheriff\u2019s Patrol Officers", "police and sheriffs patrol officers"),
        ("Research & Development", "research and development"),
        ("Maître d'hôtel", "maitre dhotel"),
        ("Mai\u0302tre", "maitre"),
        ("\ufb01re \uff23\uff48ief", "fire chief"),
        ("Straße", "strasse"),
        ("C++ Developer", "c++ developer"),
        ("C# Developer", "c# developer"),
        ("C Developer", "c developer"),
        ("会計士", "会計士"),
        ("--", ""),
    ],
)
def test_spelling(title: str, spelling: str) -> None:
    assert normalise(title) == spelling


@given(st.text(st.characters()))
def test_normalising_twice_is_normalising_once(title: str) -> None:
    assert normalise(normalise(title)) == normalise(title)


@given(st.text(st.characters(codec="ascii")), st.sampled_from(" \t\n.,;-"))
def test_case_and_gaps_do_not_count(title: str, gap: str) -> None:
    assert normalise(gap + title.swapcase().replace(" ", f" {gap}")) == normalise(title)
