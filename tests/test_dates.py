from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.dates import beginning, month_range, surely_before
from occpred.records import CareerHistory, EducationEntry, Position

YEARS = st.integers(1900, 2099).map(str)
MONTHS = st.builds("{}-{:02d}".format, YEARS, st.integers(1, 12))
DATES = YEARS | MONTHS
NEIGHBOURS = st.sampled_from([None, "1999", "2000", "2000-05", "2000-06", "2001", "2001-01"])


def test_a_year_may_be_any_of_its_months():
    assert month_range("2004") == (2004 * 12, 2004 * 12 + 11)
    assert month_range("2004-03") == (2004 * 12 + 2, 2004 * 12 + 2)


@pytest.mark.parametrize(
    "date", ["", "04", "2004-00", "2004-13", "2004-3", "1899", "2100", "2004-03-01", "٢٠٠٤", "2004\n"]
)
def test_anything_else_is_no_date(date):
    with pytest.raises(ValueError, match="is not a date"):
        month_range(date)


@pytest.mark.parametrize(
    ("earlier", "later", "sure"),
    [
        ("2003", "2004", True),
        ("2003-12", "2004", True),
        ("2004-02", "2004-03", True),
        ("2004", "2004-03", False),
        ("2004-03", "2004", False),
        ("2004-03", "2004-03", False),
    ],
)
def test_before_only_where_it_is_sure(earlier, later, sure):
    assert surely_before(earlier, later) is sure


@given(DATES, DATES)
def test_no_date_is_before_and_after_another(one, other):
    assert not (surely_before(one, other) and surely_before(other, one))
    assert not surely_before(one, one)


def test_a_history_knows_nothing_of_what_came_later():
    education = [
        EducationEntry("BSc", start="2001", end="2004"),
        EducationEntry("MSc", start="2004", end="2012-05"),
        EducationEntry("PhD", start="2011"),
        EducationEntry("Course", end="2012"),
        EducationEntry("Diploma"),
    ]
    positions = (
        Position("c0", "first", start="2004", end="2006"),
        Position("c1", "beside the others", start="2005", end="2015"),
        Position("c2", "next", start="2010-09", end="2011"),
    )
    history = beginning(CareerHistory("a", tuple(education), positions), 2)
    assert history.education == (
        EducationEntry("BSc", start="2001", end="2004"),
        EducationEntry("MSc", start="2004"),
        EducationEntry("Diploma"),
    )
    assert history.positions == (positions[0], Position("c1", "beside the others", start="2005"))


@given(start=NEIGHBOURS, end=NEIGHBOURS, now=NEIGHBOURS)
def test_a_beginning_knows_the_education_that_had_begun_as_far_as_both_dates_tell(start, end, now):
    degree = EducationEntry("B.Sc.", "Law", "", start, end)
    positions = (Position("A", "A", start="1998"), Position("B", "B", start=now))
    begun, common = start or end, min(len(start or end or ""), len(now or ""))
    is_hidden = bool(begun and now) and begun[:common] > now[:common]
    known = beginning(CareerHistory("p", (degree,), positions), 1)
    assert known.positions == positions[:1]
    assert [entry.field for entry in known.education] == ([] if is_hidden else ["Law"])


def test_a_beginning_is_of_the_same_person():
    career = CareerHistory("p", (), (Position("A", "A"), Position("B", "B")), name="Ada")
    assert beginning(career, 1) == CareerHistory("p", (), (Position("A", "A"),), name="Ada")
    assert beginning(career, 2) is career
