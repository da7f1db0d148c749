"""Your own careers: a file with one JSON object a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from occpred.careers.json_history import check_id, place, read_lines
from occpred.careers.source import CareerData, CareerFiles, RowError
from occpred.records import CareerHistory, RejectedRow

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy


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
    - `name`: the person's name, which is shown to no model and masked in the texts that leave for one; may be left out.
    - `degree` is needed; `field`, `institution`, `employer` and `description` are text and may be left out.

    A person who does not fit is set aside with line number and reason: broken JSON, wrong encoding, an unknown field, a
    wrong type, fewer than two positions or more than `max_positions`, an occupation the taxonomy does not have, an end
    before its start, entries out of order, a `person_id` that an earlier accepted person has. Blank lines are skipped.
    """

    def read_rows(self, taxonomy: Taxonomy) -> CareerData:
        """Read all lines; the unit is a person."""
        from occpred.careers.json_forms import JsonPerson, parse

        path = Path(self.path).expanduser()
        people: dict[str, CareerHistory] = {}
        rejected: list[RejectedRow] = []
        recognised: Counter[str] = Counter()
        for origin, content in read_lines(path, "careers"):
            try:
                person = parse(content, JsonPerson)
                self.check_length(len(person.positions))
                check_id("person_id", person.person_id, people, "person")
                career, ways = place(person.person_id, person, taxonomy)
            except RowError as error:
                rejected.append(origin.rejected(error))
            else:
                people[person.person_id] = career
                recognised.update(ways)
        facts = {f"positions_recognised_by_{way}": count for way, count in sorted(recognised.items())}
        return CareerData(tuple(people.values()), tuple(rejected), len(people) + len(rejected), facts)
