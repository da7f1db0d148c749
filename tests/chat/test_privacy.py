from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.chat.privacy import Field, Privacy
from occpred.prompts import render_history
from occpred.records import CareerHistory, EducationEntry, Occupation, Position, to_json
from occpred.taxonomy.taxonomy import Taxonomy

TAXONOMY = Taxonomy(
    "two", [Occupation("15-1252.00", "Software Developers"), Occupation("55-2013.00", "Infantry Officers")]
)
HISTORY = CareerHistory(
    "p1",
    education=(
        EducationEntry("Bachelor", "Computer Science (jan@x.be)", "KU Leuven", "2001", "2005-06"),
        EducationEntry("", "", "Harvard University", "2007", "2008"),
    ),
    positions=(
        Position("55-2013.00", "Infantry Officers", "Belgian Army", "2005-09", "2009-01"),
        Position(
            "15-1252.00",
            "Java developer at Acme, +32 475 12 34 56",
            "Acme NV",
            "2009-02",
            None,
            "Jan Jansen builds payment systems for ACME and the KU Leuven, see www.jansen.be/cv.",
        ),
    ),
    name="Jan Jansen",
)
EVERYTHING = Privacy(allowed=list(Field))


def rendered(history: CareerHistory) -> list[str]:
    return render_history(history, TAXONOMY).splitlines()


def test_companies_institutions_and_descriptions_stay_unless_allowed() -> None:
    assert rendered(Privacy().limit(HISTORY)) == [
        "Education:",
        "- Bachelor, Computer Science ([e-mail]) (2001 to 2005-06)",
        "Positions:",
        "- Infantry Officers (2005-09 to 2009-01)",
        '- Software Developers ("Java developer at [employer], [phone number]") (since 2009-02)',
    ]


def test_with_everything_allowed_only_what_identifies_is_masked() -> None:
    assert rendered(EVERYTHING.limit(HISTORY)) == [
        "Education:",
        "- Bachelor, Computer Science ([e-mail]), KU Leuven (2001 to 2005-06)",
        "- Harvard University (2007 to 2008)",
        "Positions:",
        "- Infantry Officers, Belgian Army (2005-09 to 2009-01)",
        '- Software Developers ("Java developer at Acme, [phone number]"), Acme NV (since 2009-02): '
        "[name] builds payment systems for ACME and the KU Leuven, see [link].",
    ]


def test_official_titles_leave_in_any_case() -> None:
    assert rendered(Privacy(allowed=[]).limit(HISTORY)) == [
        "Positions:",
        "- Infantry Officers",
        "- Software Developers",
    ]


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (Field.OWN_TITLE, ["Infantry Officers", "Java developer at [employer], [phone number]"]),
        (Field.DATES, ["2001", "2005-06", "2005-09", "2009-01", "2009-02"]),
        (Field.DEGREE, ["Bachelor"]),
        (Field.FIELD_OF_STUDY, ["Computer Science ([e-mail])"]),
        (Field.INSTITUTION, ["KU Leuven", "Harvard University"]),
        (Field.EMPLOYER, ["Belgian Army", "Acme NV"]),
        (Field.DESCRIPTION, ["[name] builds payment systems for [employer] and the [institution], see [link]."]),
    ],
)
def test_each_field_is_allowed_by_itself(field: Field, shown: list[str]) -> None:
    # A degree, so that the dates of an education have something to stand beside.
    limited = Privacy(allowed=list({field, Field.DEGREE})).limit(HISTORY)
    texts = [
        text
        for entry in (*limited.education, *limited.positions)
        for name, text in vars(entry).items()
        if name != "occupation_code" and text
    ]
    assert sorted(texts) == sorted({*shown, "Bachelor"})


def test_nothing_is_masked_where_that_is_not_wanted() -> None:
    open_ = Privacy(allowed=list(Field), mask=False)
    assert open_.limit(HISTORY) == replace(HISTORY, name="")
    assert open_.limit_text("Jan\tJansen", HISTORY) == "Jan\tJansen"


def test_a_reason_gives_away_no_more_than_the_history_would() -> None:
    reason = "At acme, after KU-Leuven, Jan wrote to jan@x.be; the Belgian\nArmy (2005-2009) had called 0475/12.34.56."
    assert Privacy().limit_text(reason, HISTORY) == (
        "At [employer], after [institution], [name] wrote to [e-mail]; the [employer] (2005-2009) had called "
        "[phone number]."
    )
    assert EVERYTHING.limit_text(reason, HISTORY) == (
        "At acme, after KU-Leuven, [name] wrote to [e-mail]; the Belgian Army (2005-2009) had called [phone number]."
    )


TEXT = st.sampled_from(
    ["Jan Jansen", "Acme", "jan@x.be", "+32 475 12 34 56", "www.x.be", "2009-2012", "", "[name]", "<"]
)
WORDS = st.lists(TEXT | st.text(max_size=6), max_size=4).map(" ".join)
DATE = st.none() | st.just("2009-02")
HISTORIES = st.builds(
    CareerHistory,
    st.just("p1"),
    st.lists(st.builds(EducationEntry, WORDS, WORDS, WORDS, DATE, DATE), max_size=2).map(tuple),
    st.lists(st.builds(Position, st.just("1"), WORDS, WORDS, DATE, DATE, WORDS), max_size=2).map(tuple),
    WORDS,
)


@given(HISTORIES, st.sets(st.sampled_from(Field)), st.booleans())
def test_what_is_limited_stays_as_it_is(history: CareerHistory, allowed: set[Field], mask: bool) -> None:
    privacy = Privacy(allowed=sorted(allowed, key=lambda field: field.name), mask=mask)
    limited = privacy.limit(history)
    assert privacy.limit(limited) == limited
    assert limited.name == ""
    assert [position.occupation_code for position in limited.positions] == ["1"] * len(history.positions)
    if mask:
        assert not {"jan@x.be", "+32 475 12 34 56", "www.x.be"} & set(to_json(limited).replace('"', " ").split())
        assert "+32 475 12 34 56" not in to_json(limited)


@given(WORDS, HISTORIES)
def test_a_limited_text_stays_as_it_is(text: str, history: CareerHistory) -> None:
    limited = Privacy().limit_text(text, history)
    assert Privacy().limit_text(limited, history) == limited


def test_what_leaves_is_said_in_words() -> None:
    assert Privacy().describe() == (
        "official occupation titles, job titles in the person's words, dates, degrees and fields of study; not "
        "institutions, employers and descriptions; e-mail addresses, phone numbers, links, the person's name, names of "
        "institutions and names of employers are masked"
    )
    assert Privacy(allowed=[], mask=False).describe() == (
        "official occupation titles; not job titles in the person's words, dates, degrees, fields of study, "
        "institutions, employers and descriptions; nothing is masked"
    )
    assert EVERYTHING.describe() == (
        "official occupation titles, job titles in the person's words, dates, degrees, fields of study, institutions, "
        "employers and descriptions; e-mail addresses, phone numbers, links and the person's name are masked"
    )
