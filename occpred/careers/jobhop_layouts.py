"""The two layouts in which JobHop's jobs are published: the upstream table and the ICT benchmark's folder."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from occpred.careers.chronology import check_period
from occpred.careers.csv_rows import CsvRow, read_rows
from occpred.careers.source import CanonicalCut, RowError, RowOrigin
from occpred.dates import month_range
from occpred.errors import UserError
from occpred.taxonomy.table import read_table

_QUARTER = re.compile(r"Q([1-4]) (\d{4})", re.ASCII)
_TRUTH = {"true": True, "false": False, "": False}
_LONGEST_QUOTE = 40


@dataclass(frozen=True)
class Job:
    """One row: a job of a person.

    Attributes:
        origin: where the row stood.
        keys: what its occupation is called, one of which may be a code of the taxonomy; `esco_code` is among them.
        start: `YYYY-MM`, the quarter's first month, and so `end`; `None` where unknown.
        number: by this the source's split names it among the person's jobs.
    """

    origin: RowOrigin
    person_id: str
    title: str
    keys: tuple[str, ...]
    esco_code: str
    start: str | None
    end: str | None
    university_studies: bool
    number: int


class Layout(ABC):
    """How jobs lie in files. Both layouts share dates as quarters (`Q3 1996` or empty) and `university_studies`."""

    @abstractmethod
    def rows(self) -> Iterator[CsvRow]:
        """All rows that hold a job. Raises `OSError` and `UserError` where they cannot be read."""

    @abstractmethod
    def job(self, row: CsvRow) -> Job:
        """What a row says. Raises `RowError` where it cannot be understood."""

    @abstractmethod
    def in_order(self, jobs: Sequence[Job]) -> list[Job]:
        """One person's jobs, oldest first."""

    @abstractmethod
    def cut(self, jobs: Sequence[Job]) -> CanonicalCut | None:
        """The cut of a person with these jobs, in order; `None` where the layout gives no split at all.

        Raises:
            RowError: there is a split, but none that fits these jobs.
        """


@dataclass(frozen=True)
class JobHopTable(Layout):
    """JobHop v1, one CSV file: jobs in the order of their start, an undated one behind the one listed before it."""

    path: Path

    def rows(self) -> Iterator[CsvRow]:
        columns = ("person_id", "matched_label", "matched_code", "start_date", "end_date", "university_studies")
        return read_rows(self.path, columns)

    def job(self, row: CsvRow) -> Job:
        cells = row.cells
        code = cells["matched_code"].strip()
        return _job(row, cells["person_id"], cells["matched_label"], (code,), code, row.origin.line)

    def in_order(self, jobs: Sequence[Job]) -> list[Job]:
        month = 0
        months = []
        for job in jobs:
            month = month_range(job.start)[0] if job.start else month
            months.append(month)
        return [jobs[index] for index in sorted(range(len(jobs)), key=months.__getitem__)]

    def cut(self, jobs: Sequence[Job]) -> CanonicalCut | None:
        return None


@dataclass(frozen=True)
class IctBenchmark(Layout):
    """The ICT benchmark: `interactions.csv` (jobs), `items.csv` (occupations), `canonical_split.csv` (optional)."""

    folder: Path

    def rows(self) -> Iterator[CsvRow]:
        columns = ("user_id", "sequence_pos", "item_id", "label", "start_date", "end_date", "university_studies")
        return read_rows(self.folder / "interactions.csv", columns)

    def job(self, row: CsvRow) -> Job:
        cells = row.cells
        item = cells["item_id"]
        if item not in self._esco_codes:
            raise RowError("unknown occupation", f"item_id {item[:_LONGEST_QUOTE]!r} is not in items.csv")
        code = self._esco_codes[item]
        number = _whole_number("sequence_pos", cells["sequence_pos"])
        return _job(row, cells["user_id"], cells["label"], (item, code), code, number)

    def in_order(self, jobs: Sequence[Job]) -> list[Job]:
        return sorted(jobs, key=lambda job: job.number)

    def cut(self, jobs: Sequence[Job]) -> CanonicalCut | None:
        if self._cut_rows is None:
            return None
        cut_row = self._cut_rows.get(jobs[0].person_id)
        if cut_row is None:
            raise RowError("no canonical split", "canonical_split.csv does not name this person")
        where = f"{cut_row.origin.source}, line {cut_row.origin.line}"
        try:
            validation = self._index(jobs, cut_row.cells["val_position"], cut_row.cells["val_item_id"])
            test = self._index(jobs, cut_row.cells["test_position"], cut_row.cells["test_item_id"])
        except RowError as error:
            raise RowError("no canonical split", f"{where}: {error}") from error
        if not 1 <= validation < test:
            reason = f"validation position {validation}, test position {test} of the jobs that are left"
            raise RowError("no canonical split", f"{where}: {reason}; needed is 1 <= validation < test")
        return CanonicalCut(validation, test)

    def _index(self, jobs: Sequence[Job], position: str, item: str) -> int:
        number = _whole_number("position", position)
        for index, job in enumerate(jobs):
            if job.number == number:
                if item not in job.keys:
                    found = f"{item[:_LONGEST_QUOTE]!r}, but interactions.csv has {job.keys[0]!r}"
                    raise RowError("wrong item", f"position {number} is said to be {found}")
                return index
        raise RowError("missing job", f"position {number} is not among the accepted rows")

    @cached_property
    def _esco_codes(self) -> Mapping[str, str]:
        rows = read_table(self.folder / "items.csv", ("item_id", "matched_code"))
        return {row["item_id"]: row["matched_code"] for row in rows}

    @cached_property
    def _cut_rows(self) -> Mapping[str, CsvRow] | None:
        path = self.folder / "canonical_split.csv"
        if not path.is_file():
            return None
        columns = ("user_id", "val_position", "test_position", "val_item_id", "test_item_id")
        cut_rows: dict[str, CsvRow] = {}
        for row in read_rows(path, columns):
            if isinstance(row.found, RowError):
                continue  # the person it was meant for is set aside for having no split
            cut_rows.setdefault(row.found["user_id"], row)
        return cut_rows


def find_layout(path: Path) -> Layout:
    """The layout of what lies at `path`. Raises `UserError` where it is neither of the two."""
    if not path.exists():
        raise UserError(f"careers.path={path}: does not exist")
    if path.is_file():
        return JobHopTable(path)
    if not (path / "interactions.csv").is_file():
        choices = "give the ICT benchmark's folder, with interactions.csv in it, or a CSV file of JobHop v1"
        raise UserError(f"careers.path={path}: {choices}")
    return IctBenchmark(path)


def _job(row: CsvRow, person_id: str, title: str, keys: tuple[str, ...], code: str, number: int) -> Job:
    if not person_id.strip():
        raise RowError("wrong form", "the person has no id")
    start, end = (_month(name, row.cells[name]) for name in ("start_date", "end_date"))
    check_period("the job", start, end)
    university = row.cells["university_studies"]
    if university.lower() not in _TRUTH:
        raise RowError("wrong form", f"university_studies {university[:_LONGEST_QUOTE]!r} is neither True nor False")
    return Job(row.origin, person_id, title, keys, code, start, end, _TRUTH[university.lower()], number)


def _month(name: str, quarter: str) -> str | None:
    """The first month of a quarter: `1996-07` for `Q3 1996`; `None` for an empty one."""
    if not quarter.strip():
        return None
    match = _QUARTER.fullmatch(quarter.strip())
    if match is None:
        raise RowError("bad date", f"{name} {quarter[:_LONGEST_QUOTE]!r} is not a quarter like 'Q3 1996'")
    return f"{match[2]}-{3 * int(match[1]) - 2:02d}"


def _whole_number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise RowError("wrong form", f"{name} {text[:_LONGEST_QUOTE]!r} is not a whole number from 0")
    return int(text)
