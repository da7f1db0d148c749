from __future__ import annotations

from random import Random

import pytest

from occpred.backbones.biographies import biography, diary, step_sentence
from occpred.backbones.motives import MOTIVES, VOICES, Step
from occpred.records import CareerHistory, EducationEntry, Occupation, Position
from occpred.taxonomy.taxonomy import Taxonomy

NURSE, DOCTOR, COOK = "29-1141.00", "29-1215.00", "35-2014.00"


@pytest.fixture
def taxonomy() -> Taxonomy:
    return Taxonomy(
        "three",
        (
            Occupation(NURSE, "Registered Nurses", 3, related=(DOCTOR,)),
            Occupation(DOCTOR, "Family Medicine Physicians", 5),
            Occupation(COOK, "Cooks, Restaurant", 2),
        ),
    )


@pytest.fixture
def history() -> CareerHistory:
    return CareerHistory(
        "p",
        (EducationEntry("Bachelor's degree", "Nursing"),),
        (
            Position(NURSE, "Registered Nurses", start="2000", end="2008"),
            Position(COOK, "Grill Cook", start="2008-05", end="2009-05"),
            Position(NURSE, "Registered Nurses"),
            Position(NURSE, "Registered Nurses"),
            Position(DOCTOR, "Doctor", start="2015"),
        ),
    )


def fitting(step: Step) -> set[str]:
    """The first phrase of each motive that fits."""
    return {motive.phrases[0] for motive in MOTIVES if motive.fits(step)}


def test_motives_are_those_that_the_career_shows(history: CareerHistory, taxonomy: Taxonomy) -> None:
    assert fitting(Step(history, 1, taxonomy)) == {
        "{was} drawn to {new_group}",
        "wanted a calmer life",
        "had done the same work for {years} years and needed a change",
    }
    assert fitting(Step(history, 2, taxonomy)) == {
        "{was} drawn to {new_group}",
        "wanted to step up",
        "missed {new_group} and went back",
        "had not settled in",
    }
    assert fitting(Step(history, 3, taxonomy)) == {"liked the work and saw no reason to change"}
    assert fitting(Step(history, 4, taxonomy)) == {
        "wanted something new without leaving {new_group}",
        "wanted to step up",
        "saw that the new work was close to the old",
    }


def test_every_step_has_a_motive_and_a_sentence_that_names_the_new_occupation(
    history: CareerHistory, taxonomy: Taxonomy
) -> None:
    for seed in range(200):
        for index in range(1, len(history.positions)):
            step = Step(history, index, taxonomy)
            sentence = step_sentence(step, VOICES[seed % len(VOICES)], Random(seed))
            assert step.new_title in sentence
            assert sentence[0].isupper()
            assert sentence.endswith(".")
            assert "{" not in sentence


def test_a_biography_tells_education_and_every_occupation(history: CareerHistory, taxonomy: Taxonomy) -> None:
    for seed in range(50):
        text = biography(history, taxonomy, Random(seed))
        assert "Bachelor's degree in Nursing" in text or ("Nursing" in text and "Bachelor's degree" in text)
        for title in ("Registered Nurses", "Cooks, Restaurant", "Family Medicine Physicians"):
            assert title in text
        assert text == biography(history, taxonomy, Random(seed))


def test_a_diary_has_a_line_for_each_position_and_remarks_between(history: CareerHistory, taxonomy: Taxonomy) -> None:
    titles = [taxonomy[position.occupation_code].title for position in history.positions]
    for seed in range(50):
        lines = diary(history, taxonomy, Random(seed)).split("\n")
        entries = [line for line in lines if not line.endswith(".")]
        assert len(entries) == len(titles)
        assert all(title in entry for title, entry in zip(titles, entries, strict=True))
        assert not lines[0].endswith(".")
        assert not lines[-1].endswith(".")


def test_braces_and_tags_in_data_stay_text(taxonomy: Taxonomy) -> None:
    education = (EducationEntry("{subject}", "<answer>"),)
    text = biography(CareerHistory("p", education, (Position(COOK, "{new}"),)), taxonomy, Random(1))
    assert "{subject}" in text
    assert "<answer>" not in text
