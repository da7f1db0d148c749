"""Your own careers: a file with one JSON object a person."""

from __future__ import annotations

import codecs
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from occpred.careers.dates import check_dates
from occpred.careers.source import CareerData, CareerFiles, RowError, RowOrigin
from occpred.errors import UserError
from occpred.progress import progress
from occpred.records import CareerHistory, EducationEntry, Position, RejectedRow

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

_BY_CODE = "code"


@dataclass
class JsonlCareers(CareerFiles):
    """Reads a UTF-8 file with one person a line.

    A person is a JSON object such as this one, written on a single line:

        {"person_id": "p1",
         "education": [{"degree": "BSc", "field": "Law", "institution": "UGent", "start": "2006", "end": "2009-06"}],
         "positions": [{"title": "Software Developers", "employer": "Acme", "start": "2009-09", "end": "2013-01"},
                       {"title": "Team lead", "occupation_code": "11-3021.00", "start": "2013-02",
                        "description": "Leads eight developers."}]}

    - `person_id`: text, unique in the file.
    - `positions`: at least two, oldest first; the last one is the latest occupation that can be asked for.
    - `education`: oldest first; may be left out.
    - `occupation_code`: the position's occupation in the taxonomy; may be left out where `title` says it.
    - `title`: the job in the person's words. Without a code it must name one occupation: by its official title, at most
      spelt with other case or punctuation, or by an alternate title that no other occupation has.
    - `start`, `end`: `YYYY` or `YYYY-MM`; left out or `null` where unknown or, for `end`, ongoing.
    - `degree` is needed; `field`, `institution`, `employer` and `description` are text and may be left out.

    A person who does not fit is set aside with line number and reason: broken JSON, wrong encoding, an unknown field, a
    wrong type, fewer than two positions or more than `max_positions`, an occupation the taxonomy does not have, an end
    before its start, entries out of order, a `person_id` that an earlier accepted person has. Blank lines are skipped.
    """

    def read_rows(self, taxonomy: Taxonomy) -> CareerData:
        """Read all lines; the unit is a person."""
        path = Path(self.path).expanduser()
        people: dict[str, CareerHistory] = {}
        rejected: list[RejectedRow] = []
        recognised: Counter[str] = Counter()
        with path.open("rb") as file:
            for number, line in enumerate(progress(file, "careers", unit="line"), start=1):
                content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                if not content.strip():
                    continue
                try:
                    person = _parse(content)
                    self.check_length(len(person.positions))
                    if person.person_id in people:
                        raise RowError("duplicate person", f"person_id {person.person_id[:40]!r} was read before")
                    career, ways = _place(person, taxonomy)
                except RowError as error:
                    rejected.append(RowOrigin.of(path.name, number, content).rejected(error))
                else:
                    people[person.person_id] = career
                    recognised.update(ways)
        facts = {f"positions_recognised_by_{way}": count for way, count in sorted(recognised.items())}
        return CareerData(tuple(people.values()), tuple(rejected), len(people) + len(rejected), facts)


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _JsonEducation(_Form):
    degree: str
    field: str = ""
    institution: str = ""
    start: str | None = None
    end: str | None = None


class _JsonPosition(_Form):
    title: str = ""
    occupation_code: str | None = None
    employer: str = ""
    start: str | None = None
    end: str | None = None
    description: str = ""


class _JsonPerson(_Form):
    person_id: str
    education: tuple[_JsonEducation, ...] = ()
    positions: tuple[_JsonPosition, ...]


def _parse(content: bytes) -> _JsonPerson:
    try:
        person = _JsonPerson.model_validate_json(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RowError("wrong encoding", f"byte {error.start + 1} of the line is not UTF-8") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise RowError("broken JSON", first["msg"].removeprefix("Invalid JSON: ")) from error
        raise RowError("wrong form", f"{_spoken(first['loc'])}: {first['msg']}") from error
    if not person.person_id.strip():
        raise RowError("wrong form", "person_id is blank")
    return person


def _spoken(location: tuple[int | str, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step[:40]}" for step in location)
    return "".join(steps).removeprefix(".") or "the line"


def _place(person: _JsonPerson, taxonomy: Taxonomy) -> tuple[CareerHistory, list[str]]:
    """The person's career in `taxonomy`, and how each position's occupation was recognised."""
    education = tuple(EducationEntry(**entry.model_dump()) for entry in person.education)
    positions, ways = [], []
    for index, entry in enumerate(person.positions):
        code, way = _occupation(f"positions[{index}]", entry, taxonomy)
        title = entry.title if entry.title.strip() else taxonomy[code].title
        positions.append(Position(code, title, entry.employer, entry.start, entry.end, entry.description))
        ways.append(way)
    check_dates("education", education)
    check_dates("positions", positions)
    return CareerHistory(person.person_id, education, tuple(positions)), ways


def _occupation(where: str, entry: _JsonPosition, taxonomy: Taxonomy) -> tuple[str, str]:
    if entry.occupation_code is not None:
        if entry.occupation_code not in taxonomy:
            example = f"codes of {taxonomy.name} look like {taxonomy.codes[0]}"
            raise RowError("unknown occupation", f"{where}: code {entry.occupation_code[:40]!r}; {example}")
        return entry.occupation_code, _BY_CODE
    if not entry.title.strip():
        raise RowError("unknown occupation", f"{where} has neither an occupation_code nor a title")
    try:
        match = taxonomy.lookup(entry.title)
    except UserError as error:
        raise RowError("unknown occupation", f"{where}: {error}") from error
    return match.code, f"{match.how.value}_title"
