from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.careers.chronology import check_dates, check_period
from occpred.careers.source import RowError
from occpred.records import EducationEntry, Position

MONTHS = st.builds("{}-{:02d}".format, st.integers(1900, 2099), st.integers(1, 12))


def job(start=None, end=None):
    return Position("15-1252.00", "Software Developers", start=start, end=end)


def test_an_end_before_the_start_is_refused():
    check_period("it", "2004-03", "2004")
    check_period("it", "2004-03", "2004-03")
    check_period("it", None, "2004")
    with pytest.raises(RowError, match="end before start: it started 2004-03 and ended 2003"):
        check_period("it", "2004-03", "2003")


@pytest.mark.parametrize(
    "entries",
    [
        [job("2001"), job("2001"), job("2002")],
        [job("2001"), job(), job("2001-05")],
        [job("2001-05"), job("2001")],
        [job(), job(end="1990"), job("1995")],
        [EducationEntry("BSc", end="2001"), EducationEntry("MSc", start="2001")],
        [],
    ],
)
def test_order_that_may_be_right_is_accepted(entries):
    check_dates("entries", entries)


@pytest.mark.parametrize(
    ("entries", "index"),
    [
        ([job("2002"), job("2001")], 1),
        ([job("2002"), job(), job("2001")], 2),
        ([job("2002"), job("2003"), job("2002"), job("2002-12")], 2),
        ([job("2002"), job(end="2001")], 1),
        ([EducationEntry("MSc", start="2005"), EducationEntry("BSc", start="2001")], 1),
    ],
)
def test_an_entry_that_surely_started_before_an_earlier_one_is_refused(entries, index):
    with pytest.raises(RowError, match=rf"out of order: entries\[{index}\]"):
        check_dates("entries", entries)


@given(st.lists(MONTHS, max_size=6))
def test_months_are_in_order_exactly_where_they_are_sorted(months):
    entries = [job(month) for month in months]
    if months == sorted(months):
        check_dates("jobs", entries)
    else:
        with pytest.raises(RowError, match="out of order"):
            check_dates("jobs", entries)
