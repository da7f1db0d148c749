"""CSV files of people, read so that a damaged row costs itself alone."""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from occpred.careers.source import RowError, RowOrigin
from occpred.errors import UserError

_MAX_LINES = 50
"""A quoted cell may run over several lines; one that has not ended after so many never will."""


@dataclass(frozen=True)
class CsvRow:
    """One row: where it stood, and its cells by column or else what is wrong with it."""

    origin: RowOrigin
    found: Mapping[str, str] | RowError

    @property
    def cells(self) -> Mapping[str, str]:
        """The cells by column. Raises `RowError` where the row is damaged."""
        if isinstance(self.found, RowError):
            raise self.found
        return self.found


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[CsvRow]:
    """Yield every row of a CSV file with a header; blank lines are skipped.

    A damaged row ends with its line, so that a quotation mark that is never closed does not swallow what follows.

    Args:
        path: the file, UTF-8 with or without a byte order mark.
        columns: the columns needed, which may stand in any order among others.

    Raises:
        OSError: the file cannot be read.
        UserError: the header cannot be read or lacks one of `columns`.
    """
    with path.open("rb") as file:
        if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            file.seek(0)
        window: deque[bytes] = deque()
        header: list[str] | None = None
        line = 1
        while True:
            window.extend(islice(file, _MAX_LINES - len(window)))
            if not window:
                break
            cells, length = _first_record(window, header)
            content = b"".join(window.popleft() for _ in range(length))
            if not content.strip():
                pass
            elif header is None:
                header = _checked_header(path, cells, columns)
            else:
                found = cells if isinstance(cells, RowError) else dict(zip(header, cells, strict=True))
                yield CsvRow(RowOrigin.of(path.name, line, content), found)
            line += length
    if header is None:
        raise UserError(f"{path}: the file is empty")


def _first_record(lines: Sequence[bytes], header: list[str] | None) -> tuple[list[str] | RowError, int]:
    """The cells of the record at the start of `lines`, and how many lines it takes: one where it is damaged."""
    reader = csv.reader((line.decode("utf-8", errors="surrogateescape") for line in lines), strict=True)
    try:
        cells = next(reader)
    except csv.Error as error:
        return RowError("broken CSV", str(error)), 1
    if header is not None and len(cells) != len(header):
        return RowError("broken CSV", f"{len(cells)} cells where the header has {len(header)}"), 1
    try:
        b"".join(islice(lines, reader.line_num)).decode("utf-8")
    except UnicodeDecodeError as error:
        return RowError("wrong encoding", f"byte {error.start + 1} of the row is not UTF-8"), reader.line_num
    return cells, reader.line_num


def _checked_header(path: Path, cells: list[str] | RowError, columns: Sequence[str]) -> list[str]:
    needed = f"a header with the columns {', '.join(columns)} is needed"
    if isinstance(cells, RowError):
        raise UserError(f"{path}: {cells}; {needed}")
    if missing := [column for column in columns if column not in cells]:
        raise UserError(f"{path}: column {missing[0]!r} is missing; {needed}")
    return cells
