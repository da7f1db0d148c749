"""Text tables with a header line, read so that whatever is wrong is said with file and line."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from zipfile import BadZipFile

from occpred.errors import UserError

UNREADABLE = (OSError, BadZipFile, zlib.error, EOFError, RuntimeError, ValueError)
"""What the standard library raises for a file, on disk or in a zip, that is damaged, encrypted or out of reach."""


class ONetText(csv.excel_tab):
    """O*NET's text files: tabs between fields, and quotation marks are ordinary characters."""

    quoting = csv.QUOTE_NONE


@dataclass(frozen=True)
class Row:
    """One line of a table: its fields by column name, and where it stands."""

    file: Traversable
    line: int
    fields: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.fields[column]

    def refused(self, reason: str) -> UserError:
        """The error to raise where this row cannot be used."""
        return UserError(f"{self.file}, line {self.line}: {reason}")


def read_table(file: Traversable, columns: Sequence[str], dialect: type[csv.Dialect] = csv.excel) -> Iterator[Row]:
    """Yield the rows of a UTF-8 table, blank lines left out.

    Args:
        file: a file on disk or in a zip.
        columns: the columns that are needed, in any order and among others.
        dialect: how fields are separated and quoted.

    Raises:
        UserError: the file cannot be read or is not UTF-8, a needed column is missing or has an empty field, or a line
            has another number of fields than the header.
    """
    reader = csv.reader(io.StringIO(_read_text(file), newline=""), dialect, strict=True)
    try:
        header = next(reader, [])
        if missing := [column for column in columns if column not in header]:
            raise UserError(f"{file}: has no column {missing[0]!r}, only {', '.join(map(repr, header)) or 'nothing'}")
        for fields in filter(None, reader):
            row = Row(file, reader.line_num, dict(zip(header, fields, strict=False)))
            if len(fields) != len(header):
                raise row.refused(f"has {len(fields)} fields where the header has {len(header)}")
            if empty := [column for column in columns if not row[column].strip()]:
                raise row.refused(f"{empty[0]!r} is empty")
            yield row
    except csv.Error as error:
        raise UserError(f"{file}, line {reader.line_num}: {error}") from error


def read_bytes(file: Traversable) -> bytes:
    """The whole content of `file`, on disk or in a zip. Raises `UserError` where it cannot be had."""
    try:
        return file.read_bytes()
    except UNREADABLE as error:
        raise UserError(f"{file}: cannot be read: {error}") from error


def _read_text(file: Traversable) -> str:
    content = read_bytes(file)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{file}, line {line}: not UTF-8 text; save the file as UTF-8") from error
