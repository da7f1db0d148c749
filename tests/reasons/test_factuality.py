from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.reasons.factuality import mark_factuality
from occpred.records import CareerHistory, EducationEntry, Position
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy

SUPPORTED = [
    # dates: education from 2006-09, positions from 2010-09 to 2019-09
    "She started in 2010.",
    "She finished school in June 2010.",
    "From 2012-09 to 2015-09 she was at St. Mary Hospital.",
    # durations: 24, 36 and 48 months, 84 in nursing, 108 in all, 45 at school
    "She spent two years as an assistant.",
    "She has 7 years of experience as a nurse.",
    "She has worked for nine years.",
    "She has worked for almost a decade.",
    "She has worked for more than eight years.",
    "She studied for less than four years.",
    # counts: three positions, two of them as a nurse, one change of occupation of two changes
    "She has held three positions.",
    "She has held two nursing jobs.",
    "2 of 3 positions were in Healthcare Practitioners and Technical.",
    "0 of 2 changes of position were downward.",
    "Her last two roles were alike.",
    "She has had two employers and one degree.",
    "She worked in two fields.",
    # titles, official or the person's own, whole or in part
    "She worked as a Staff Nurse.",
    "She was a registered nurse.",
    "She worked as a nurse on the ward.",
    "She began as a Nursing Assistant at Hillside Care.",
    # employers and schools
    "She joined St. Mary Hospital.",
    "She worked for Hillside.",
    "Ghent University taught her.",
    # education
    "She holds a bachelor's degree in nursing from Ghent University.",
    "She studied nursing.",
    "She has a university degree.",
    # levels and fields
    "The path led up from job zone 3 to 4.",
    "All of it was in Healthcare Support or Healthcare Practitioners and Technical.",
    # what the history says elsewhere
    "She liked night shifts.",
    # wishes are no claims
    "She wants to become a Physicist at Google after a PhD in Physics in 2030.",
    "This person would prefer ten jobs in job zone 5.",
    "",
]
FABRICATED = [
    ("She started in 1999.", "date: 1999"),
    ("She started in March 2006.", "date: March 2006"),
    ("She was there on 2006-01.", "date: 2006-01"),
    ("She spent twenty-five years there and 25 years here.", "duration: 25 years"),
    ("She worked for two decades.", "duration: two decades"),
    ("She has worked for more than ten years.", "duration: more than ten years"),
    ("She is 40 years old.", "duration: 40 years"),
    ("She has held five positions.", "count: five positions"),
    ("3 of 4 positions were alike.", "count: 3 of 4 positions"),
    ("She has had four employers.", "count: four employers"),
    ("Her last six jobs were alike.", "count: last six jobs"),
    ("She has three degrees.", "count: three degrees"),
    ("She worked as a Chemist.", "occupation: Chemist"),
    ("She worked as a dragon tamer.", "occupation: dragon tamer"),
    ("She was a Paramedic for years.", "occupation: Paramedic"),
    ("Registered Nurses and Software Developers are alike to her.", "occupation: Software Developers"),
    ("She worked at Google.", "name: Google"),
    ("She worked for Central Hospital.", "name: Central Hospital"),
    ("She graduated from Harvard University.", "name: Harvard University"),
    ("Mayo Clinic hired her.", "name: Mayo Clinic"),
    ("She holds a master's degree.", "degree: master's degree"),
    ("She has a PhD.", "degree: PhD"),
    ("She has an MBA.", "degree: MBA"),
    ("She holds a bachelor's degree in physics.", "field of study: physics"),
    ("She studied law.", "field of study: law"),
    ("She stood at job zone 2.", "job zone: job zone 2"),
    ("She has worked in Food Preparation and Serving Related.", "field: Food Preparation and Serving Related"),
    ("It suggests somebody who worked at Google.", "name: Google"),
]


@pytest.mark.parametrize("reason", [text for text in SUPPORTED if text])
def test_true_claims_earn_the_best_mark(reason: str, history: CareerHistory, taxonomy: Taxonomy) -> None:
    mark = mark_factuality(reason, history, taxonomy)
    assert mark.errors == ()
    assert mark.score == 5


@pytest.mark.parametrize(("reason", "error"), FABRICATED)
def test_fabricated_claims_are_found(reason: str, error: str, history: CareerHistory, taxonomy: Taxonomy) -> None:
    mark = mark_factuality(reason, history, taxonomy)
    assert f"unsupported {error}" in mark.errors
    assert mark.score < 5


@pytest.mark.parametrize(
    ("wrong", "score"),
    [(0, 5), (1, 4), (2, 3), (3, 2), (4, 1), (5, 1)],  # of five claims: 0.2 still earns 4, 0.4 3, 0.6 2
)
def test_the_mark_is_the_share_of_errors(wrong: int, score: int, history: CareerHistory, taxonomy: Taxonomy) -> None:
    years = [*["1950"] * wrong, *["2012"] * (5 - wrong)]
    mark = mark_factuality(" ".join(f"It began in {year}." for year in years), history, taxonomy)
    assert mark.score == score
    assert mark.justification == f"{5 - wrong} of 5 claims are supported."


def test_a_reason_without_claims_has_no_wrong_one(history: CareerHistory, taxonomy: Taxonomy) -> None:
    assert mark_factuality("A person of many talents.", history, taxonomy).score == 5


@pytest.mark.parametrize("reason", ["", " \n\t"])
def test_an_empty_reason_earns_nothing(reason: str, history: CareerHistory, taxonomy: Taxonomy) -> None:
    assert mark_factuality(reason, history, taxonomy).score == 1


def test_without_dates_and_employers_none_are_supported(taxonomy: Taxonomy) -> None:
    bare = CareerHistory("p", (EducationEntry("Diploma"),), (Position("29-1141.00", "Nurse"),))
    assert mark_factuality("She was a nurse with a diploma.", bare, taxonomy).score == 5
    mark = mark_factuality("She was a nurse at Acme for 3 years until 2015.", bare, taxonomy)
    assert set(mark.errors) == {
        "unsupported name: Acme",
        "unsupported duration: 3 years",
        "unsupported date: 2015",
    }


TAXONOMY = SampleTaxonomy().load()
FRAGMENTS = [
    *["1999", "2012-09", "May ", "from ", "to ", "10 of 3 jobs ", "more than ", "a decade ", "job zone ", "4 "],
    *["99999 years ", "worked as a ", "Registered Nurses ", "Legal ", "degree in ", "at ", "Ghent ", "of ", ". "],
    *[", ", "\n", '"', "\u0130", "\x00", "wants ", "(((", "\U0001f600", "<think>", "\uff12\uff10\uff11\uff12"],
]
texts = st.text() | st.lists(st.sampled_from(FRAGMENTS)).map("".join)
dates = st.none() | st.text(max_size=8) | st.sampled_from(["2010", "2012-03", "0000-99", "\uff19\uff19\uff19\uff19"])
positions = st.builds(
    Position, st.sampled_from([*TAXONOMY.codes, "unknown"]), texts, texts, start=dates, end=dates, description=texts
)
histories = st.builds(
    CareerHistory,
    st.just("p"),
    st.lists(st.builds(EducationEntry, texts, texts, texts, dates, dates), max_size=2).map(tuple),
    st.lists(positions, max_size=4).map(tuple),
)


@given(texts, histories)
def test_any_text_on_any_history_gets_a_mark(reason: str, history: CareerHistory) -> None:
    mark = mark_factuality(reason, history, TAXONOMY)
    assert 1 <= mark.score <= 5
    assert (mark.score == 5) == (not mark.errors)


@given(texts)
def test_one_more_fabrication_never_raises_the_mark(reason: str) -> None:
    history = CareerHistory("p", (), (Position("29-1141.00", "Nurse", "Hillside Care", "2010", "2012"),))
    before = mark_factuality(f"{reason}. ", history, TAXONOMY)
    after = mark_factuality(f"{reason}. She worked at Google.", history, TAXONOMY)
    assert after.score <= before.score
