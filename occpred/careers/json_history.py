"""People in JSON lines: where they stand, and their place in a taxonomy."""

from __future__ import annotations

import codecs
from collections.abc import Container, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from occpred.careers.chronology import check_dates
from occpred.careers.source import RowError, RowOrigin
from occpred.errors import UserError
from occpred.progress import progress
from occpred.records import CareerHistory, EducationEntry, Position

if TYPE_CHECKING:
    from occpred.careers.json_forms import JsonHistory
    from occpred.taxonomy.taxonomy import Taxonomy

_BY_CODE = "code"
_LONGEST_QUOTE = 40


def read_lines(path: Path, title: str) -> Iterator[tuple[RowOrigin, bytes]]:
    """Yield the lines of a file that are not blank, each with where it stands; `title` is the progress bar's."""
    with path.open("rb") as file:
        for number, line in enumerate(progress(file, title, unit="line"), start=1):
            content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if content.strip():
                yield RowOrigin.of(path.name, number, content), content


def check_id(field: str, given: str, taken: Container[str], unit: str) -> None:
    """Raise `RowError` where an id, the value of `field`, is blank or names another `unit` that was read before."""
    if not given.strip():
        raise RowError("wrong form", f"{field} is blank")
    if given in taken:
        raise RowError(f"duplicate {unit}", f"{field} {given[:_LONGEST_QUOTE]!r} was read before")


def place(person_id: str, history: JsonHistory, taxonomy: Taxonomy) -> tuple[CareerHistory, list[str]]:
    """Place a career in `taxonomy`, and tell how each position's occupation was recognised.

    Raises:
        RowError: an occupation is not in the taxonomy, a date cannot be read, or entries are out of order.
    """
    education = tuple(EducationEntry(**entry.model_dump()) for entry in history.education)
    positions, ways = [], []
    for index, entry in enumerate(history.positions):
        code, way = find_occupation(f"positions[{index}]", entry.occupation_code, entry.title, taxonomy)
        title = entry.title if entry.title.strip() else taxonomy[code].title
        positions.append(Position(code, title, entry.employer, entry.start, entry.end, entry.description))
        ways.append(way)
    check_dates("education", education)
    check_dates("positions", positions)
    return CareerHistory(person_id, education, tuple(positions), history.name.strip()), ways


def find_occupation(where: str, code: str | None, title: str, taxonomy: Taxonomy) -> tuple[str, str]:
    """The code of an occupation that is given by code or, without one, by title, and how it was recognised.

    Raises:
        RowError: there is no such occupation, or several have the title; `where` names the entry.
    """
    if code is not None:
        if code not in taxonomy:
            example = f"codes of {taxonomy.name} look like {taxonomy.codes[0]}"
            raise RowError("unknown occupation", f"{where}: code {code[:_LONGEST_QUOTE]!r}; {example}")
        return code, _BY_CODE
    if not title.strip():
        raise RowError("unknown occupation", f"{where} has neither an occupation_code nor a title")
    try:
        match = taxonomy.lookup(title)
    except UserError as error:
        raise RowError("unknown occupation", f"{where}: {error}") from error
    return match.code, f"{match.how.value}_title"
