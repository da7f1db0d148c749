from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.reasons.leaks import leaks_title, mask_title
from occpred.records import Occupation
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy

NURSE, INFANTRY, OFFICERS, COOKS = "29-1141.00", "55-3016.00", "55-1017.00", "35-2014.00"
SAMPLE = SampleTaxonomy().load()
ARMY = Taxonomy(
    "army",
    [
        Occupation(INFANTRY, "Infantry", alternate_titles=("Owner", "Rifle Lead", "Trooper")),
        Occupation(OFFICERS, "Infantry Officers", alternate_titles=("Platoon Leader", "Trooper", "Rifle Lead Aide")),
        Occupation(COOKS, "Cooks, Restaurant", alternate_titles=("Lead",)),
    ],
)


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
    assert not leaks_title("She joins the Infantry Officers.", INFANTRY, ARMY)
    assert leaks_title("She joins the infantry.", INFANTRY, ARMY)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("From  rifle leads to INFANTRY, as Owner.", "From  this work to this work, as this work."),
        ("Infantry Officers and cooks, the owner.", "Infantry Officers and cooks, the owner."),
        ("She joined as trooper.", "She joined as this work."),
    ],
    ids=["all its titles go", "all else stays", "a title that others share goes too"],
)
def test_titles_of_the_target_give_way_to_the_mask(text: str, masked: str) -> None:
    assert mask_title(text, INFANTRY, "this work", ARMY) == masked


words = st.lists(
    st.sampled_from(
        ["infantry", "Infantry", "Officers", "rifle", "Lead", "aide", "cook", "Cooks,", "Restaurant", "a", "as", "."]
    )
)


@given(words, words, st.sampled_from(ARMY.codes))
def test_nothing_leaks_whatever_the_mask(text: list[str], mask: list[str], target: str) -> None:
    assert not leaks_title(mask_title(" ".join(text), target, " ".join(mask), ARMY), target, ARMY)


def test_a_title_inside_a_title_inside_a_title_goes() -> None:
    assert mask_title("rifle rifle rifle lead lead lead", INFANTRY, "", ARMY).split() == []


codes = st.sampled_from(SAMPLE.codes)


@given(codes, codes, st.sampled_from(["{}", "a {}.", "{}s", "likely to become {}, or {} again"]))
def test_what_does_not_leak_is_left_alone(target: str, other: str, frame: str) -> None:
    occupation = SAMPLE[target]
    for title in (occupation.title, *occupation.alternate_titles, SAMPLE[other].title):
        text = frame.replace("{}", title)
        masked = mask_title(text, target, "this work", SAMPLE)
        assert not leaks_title(masked, target, SAMPLE)
        assert (masked == text) == (not leaks_title(text, target, SAMPLE))
