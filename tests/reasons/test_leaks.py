from __future__ import annotations

import pytest

from occpred.reasons.leaks import leaks_title
from occpred.records import Occupation
from occpred.taxonomy.taxonomy import Taxonomy

NURSE = "29-1141.00"


@pytest.mark.parametrize(
    "text",
    [
        "The next occupation is Registered Nurses.",
        "She will be a REGISTERED  nurse soon.",
        "registered-nurse work suits her",
        "Fit to be a Staff Registered Nurse",
    ],
)
def test_title_variants_leak(text: str, taxonomy: Taxonomy) -> None:
    assert leaks_title(text, NURSE, taxonomy)


@pytest.mark.parametrize(
    "text",
    ["", "She likes nursing.", "Licensed Practical and Licensed Vocational Nurses", "is a registered voter, a nurse"],
)
def test_other_texts_do_not(text: str, taxonomy: Taxonomy) -> None:
    assert not leaks_title(text, NURSE, taxonomy)


def test_a_longer_title_around_the_targets_is_another_occupation() -> None:
    army = Taxonomy("army", [Occupation("55-3016.00", "Infantry"), Occupation("55-1017.00", "Infantry Officers")])
    assert not leaks_title("She joins the Infantry Officers.", "55-3016.00", army)
    assert leaks_title("She joins the infantry.", "55-3016.00", army)
