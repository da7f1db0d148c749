"""Faults in the dates and in the order of a career's entries."""

from __future__ import annotations

from collections.abc import Sequence

from occpred.careers.source import RowError
from occpred.dates import month_range, surely_before
from occpred.records import EducationEntry, Position


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
