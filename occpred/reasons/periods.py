"""Months and durations of a history's entries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from occpred.records import EducationEntry, Position

_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?", re.ASCII)


@dataclass(frozen=True)
class Period:
    """An entry's time. Months count from year 0; `None` is unknown.

    A date of a whole year may be any of its months, so the entry may reach from `first` to `last`. `months` is how long
    it lasted: from month to month, or from year to year where a month is unknown.
    """

    first: int | None
    last: int | None
    months: int | None

    def covers(self, month: int) -> bool:
        """Whether `month` surely or possibly lies in it; an unknown end is taken for the start."""
        edges = [edge for edge in (self.first, self.last) if edge is not None]
        return bool(edges) and min(edges) <= month <= max(edges)


def periods_of(entries: Sequence[EducationEntry | Position]) -> list[Period]:
    """The period of each entry. An unknown end is taken to be the next entry's start, but gives no duration."""
    following = [*(entry.start for entry in entries[1:]), None]
    return [
        Period(
            _month(entry.start, 1), _month(entry.end or next_start or entry.start, 12), duration(entry.start, entry.end)
        )
        for entry, next_start in zip(entries, following, strict=False)
    ]


def duration(start: str | None, end: str | None) -> int | None:
    """Months from `start` to `end`, `YYYY` or `YYYY-MM`; `None` where one is unknown or they are in wrong order."""
    if start is None or end is None:
        return None
    by_month = len(start) > 4 and len(end) > 4
    first, last = (_month(date if by_month else date[:4], 1) for date in (start, end))
    if first is None or last is None or last < first:
        return None
    return last - first


def _month(date: str | None, unknown_month: int) -> int | None:
    match = _DATE.fullmatch(date or "")
    return 12 * int(match[1]) + int(match[2] or unknown_month) - 1 if match else None
