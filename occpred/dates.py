"""Dates of careers, `YYYY` or `YYYY-MM`, compared only as far as they are known.

A date of a whole year may be any of its months, so `2004` is neither surely before nor surely after `2004-03`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TypeVar

from occpred.records import CareerHistory, EducationEntry, Position

Entry = TypeVar("Entry", EducationEntry, Position)

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


def beginning(career: CareerHistory, length: int) -> CareerHistory:
    """The first `length` positions, as they and the education stood when the next position began."""
    if length >= len(career.positions):
        return career
    now = career.positions[length].start
    return replace(
        career,
        education=tuple(
            _seen(entry, now) for entry in career.education if not _is_later(entry.start or entry.end, now)
        ),
        positions=tuple(_seen(position, now) for position in career.positions[:length]),
    )


def _seen(entry: Entry, now: str | None) -> Entry:
    return replace(entry, end=None) if _is_later(entry.end, now) else entry


def _is_later(date: str | None, now: str | None) -> bool:
    return date is not None and now is not None and surely_before(now, date)
