"""Months and durations of a history's entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from occpred.dates import month_range
from occpred.records import EducationEntry, Position


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
            first=_months(entry.start)[0],
            last=_months(entry.end or next_start or entry.start)[1],
            months=duration(entry.start, entry.end),
        )
        for entry, next_start in zip(entries, following, strict=False)
    ]


def duration(start: str | None, end: str | None) -> int | None:
    """Months from `start` to `end`, `YYYY` or `YYYY-MM`; `None` where one is unknown or they are in wrong order."""
    if start is None or end is None:
        return None
    by_month = len(start) > 4 and len(end) > 4
    first, last = (_months(date if by_month else date[:4])[0] for date in (start, end))
    if first is None or last is None or last < first:
        return None
    return last - first


def _months(date: str | None) -> tuple[int, int] | tuple[None, None]:
    """The first and the last month that `date` may mean; `None` where it is unknown or cannot be read."""
    try:
        return month_range(date or "")
    except ValueError:
        return None, None
