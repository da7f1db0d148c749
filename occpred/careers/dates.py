"""Dates of careers, `YYYY` or `YYYY-MM`, compared only as far as they are known.

A date of a whole year may be any of its months, so `2004` is neither surely before nor surely after `2004-03`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from occpred.careers.source import RowError
from occpred.records import EducationEntry, Position

_DATE = re.compile(r"(19\d\d|20\d\d)(?:-(0[1-9]|1[0-2]))?", re.ASCII)


def month_range(date: str) -> tuple[int, int]:
    """The first and last month, counted from year 0, that `date` may mean.

    >>> month_range("2004-03")
    (24050, 24050)
    >>> month_range("2004")
    (24048, 24059)

    Raises:
        ValueError: not `YYYY` or `YYYY-MM` of the years 1900 to 2099.
    """
    match = _DATE.fullmatch(date)
    if match is None:
        raise ValueError(f"{date[:20]!r} is not a date: write YYYY or YYYY-MM, from 1900 to 2099")
    january = 12 * int(match[1])
    if match[2] is None:
        return january, january + 11
    month = january + int(match[2]) - 1
    return month, month


def surely_before(earlier: str, later: str) -> bool:
    """Whether every month that `earlier` may mean lies before every month that `later` may mean."""
    return month_range(earlier)[1] < month_range(later)[0]


def check_period(where: str, start: str | None, end: str | None) -> None:
    """Raise `RowError` where a date cannot be read or `end` surely lies before `start`; `where` names the entry."""
    for date in (start, end):
        if date is not None:
            try:
                month_range(date)
            except ValueError as error:
                raise RowError("bad date", f"{where}: {error}") from error
    if start is not None and end is not None and surely_before(end, start):
        raise RowError("end before start", f"{where} started {start} and ended {end}")


def check_dates(name: str, entries: Sequence[Position | EducationEntry]) -> None:
    """Raise `RowError` where one of the `entries`, called `name[0]` and so on, has a fault of its own or of order."""
    for index, entry in enumerate(entries):
        check_period(f"{name}[{index}]", entry.start, entry.end)
    check_order(name, entries)


def check_order(name: str, entries: Sequence[Position | EducationEntry]) -> None:
    """Raise `RowError` where an entry of readable dates surely started before one listed ahead of it.

    An entry without a start is known by its end alone: it started no later than that.
    """
    latest_start: str | None = None
    for index, entry in enumerate(entries):
        date = entry.start or entry.end
        if date and latest_start and surely_before(date, latest_start):
            raise RowError(
                "out of order", f"{name}[{index}], dated {date}, stands after an entry that started {latest_start}"
            )
        if entry.start and (latest_start is None or month_range(entry.start)[0] > month_range(latest_start)[0]):
            latest_start = entry.start
