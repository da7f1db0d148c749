from __future__ import annotations

import pytest

from occpred.reasons.periods import duration, periods_of
from occpred.records import Position


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2010-09", "2012-09", 24),
        ("2010", "2012", 24),
        ("2010-09", "2012", 24),  # from year to year where a month is unknown
        ("2010", "2010", 0),
        ("2012", "2010", None),
        ("2010", None, None),
        (None, "2010", None),
        ("soon", "later", None),
        ("", "", None),
    ],
)
def test_durations(start: str | None, end: str | None, months: int | None) -> None:
    assert duration(start, end) == months


def test_an_unknown_end_is_the_next_start_without_a_duration() -> None:
    first, second = periods_of([Position("c", "t", start="2010"), Position("c", "t", start="2012-03")])
    assert (first.first, first.last, first.months) == (12 * 2010, 12 * 2012 + 2, None)
    assert first.covers(12 * 2011)
    assert not first.covers(12 * 2013)
    assert second.covers(12 * 2012 + 2)
    assert not second.covers(12 * 2012 + 3)


def test_no_dates_cover_nothing() -> None:
    (period,) = periods_of([Position("c", "t")])
    assert not period.covers(12 * 2010)
    assert periods_of([]) == []
