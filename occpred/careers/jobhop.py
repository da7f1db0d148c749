"""Real careers of Flemish job seekers: JobHop."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from occpred.careers.chronology import check_order
from occpred.careers.crosswalk import Candidate, Crosswalk
from occpred.careers.jobhop_layouts import Job, find_layout
from occpred.careers.source import CanonicalCut, CareerData, CareerFiles, RowError
from occpred.progress import progress
from occpred.records import CareerHistory, EducationEntry, Position, RejectedRow
from occpred.settings import setting

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

UNIVERSITY_STUDIES = EducationEntry(degree="University studies")
"""All that JobHop says of a person's education; dates are not given."""


@dataclass
class JobHopCareers(CareerFiles):
    """Reads JobHop v1 (`path` is a CSV file) or the ICT benchmark made from it (`path` is its folder).

    Occupations are ESCO codes. A job whose item id (ICT benchmark) or ESCO code is a code of the taxonomy is taken as
    it is; any other goes through the crosswalk to O*NET-SOC (see `Crosswalk` for the choice among several).

    A quarter becomes its first month. A job's title is ESCO's label. A row that cannot be used is set aside with its
    line and reason, and the person goes on without it; when fewer than two jobs are left, or a job that the canonical
    split asks for is gone, all rows of the person are set aside.

    Source: Johary et al., JobHop (CC BY 4.0); ICT benchmark: canay/hybrid-talent-rec-benchmarks (MIT).
    """

    crosswalk_path: str | None = setting(None, content=True)
    """The official `ESCO_to_ONET-SOC.csv`; not needed where the taxonomy has the data's own codes."""

    def read_rows(self, taxonomy: Taxonomy) -> CareerData:
        """Read all jobs; the unit is a position."""
        layout = find_layout(Path(self.path).expanduser())
        places = _Places(taxonomy, self._load_crosswalk())
        jobs_by_person: defaultdict[str, dict[int, Job]] = defaultdict(dict)
        esco_codes: Counter[str] = Counter()
        rejected: list[RejectedRow] = []
        rows_read = 0
        for row in progress(layout.rows(), "careers", unit="row"):
            rows_read += 1
            try:
                job = layout.job(row)
                esco_codes[job.esco_code] += 1
                places.find(job)
                if job.number in jobs_by_person[job.person_id]:
                    raise RowError("duplicate position", f"the person already has a job of number {job.number}")
                jobs_by_person[job.person_id][job.number] = job
            except RowError as error:
                rejected.append(row.origin.rejected(error))
        people: list[CareerHistory] = []
        cuts: dict[str, CanonicalCut] = {}
        for person_id, jobs in jobs_by_person.items():
            ordered = layout.in_order(list(jobs.values()))
            try:
                career, cut = self._career(person_id, ordered, places), layout.cut(ordered)
            except RowError as error:
                rejected += [job.origin.rejected(error) for job in ordered]
            else:
                people.append(career)
                if cut is not None:
                    cuts[person_id] = cut
        rejected.sort(key=lambda row: row.line)
        facts = places.facts(esco_codes) | {"positions_undated_share": _undated_share(people)}
        return CareerData(tuple(people), tuple(rejected), rows_read, facts, cuts=cuts or None, unit="position")

    def _load_crosswalk(self) -> Crosswalk | None:
        return Crosswalk.load(Path(self.crosswalk_path).expanduser()) if self.crosswalk_path else None

    def _career(self, person_id: str, jobs: Sequence[Job], places: _Places) -> CareerHistory:
        self.check_length(len(jobs))
        positions = tuple(Position(places.find(job), job.title, start=job.start, end=job.end) for job in jobs)
        check_order("jobs", positions)
        education = (UNIVERSITY_STUDIES,) if any(job.university_studies for job in jobs) else ()
        return CareerHistory(person_id, education, positions)


class _Places:
    """Where jobs stand in the taxonomy, and what the crosswalk did to get them there."""

    def __init__(self, taxonomy: Taxonomy, crosswalk: Crosswalk | None) -> None:
        self._taxonomy = taxonomy
        self._crosswalk = crosswalk
        self._chosen: dict[str, Candidate | None] = {}

    def find(self, job: Job) -> str:
        """The taxonomy's code for a job. Raises `RowError` where there is none."""
        for key in job.keys:
            if key in self._taxonomy:
                return key
        if self._crosswalk is None:
            names = f"{' or '.join(job.keys)} is not in {self._taxonomy.name}"
            raise RowError("unknown occupation", f"{names}; set careers.crosswalk_path to map ESCO codes to O*NET-SOC")
        if job.esco_code not in self._chosen:
            known = job.esco_code in self._crosswalk.occupations
            self._chosen[job.esco_code] = self._crosswalk.choose(job.esco_code, self._taxonomy) if known else None
        chosen = self._chosen[job.esco_code]
        if chosen is None:
            raise RowError("unknown occupation", f"ESCO code {job.esco_code!r} is not in the crosswalk")
        if chosen.code not in self._taxonomy:
            mapped = f"ESCO code {job.esco_code} means {chosen.code} {chosen.title}"
            raise RowError("unknown occupation", f"{mapped}, which is not in {self._taxonomy.name}")
        return chosen.code

    def facts(self, esco_codes: Counter[str]) -> dict[str, float | int | str]:
        """What went through the crosswalk, given the number of jobs of each ESCO code; nothing where none did."""
        if self._crosswalk is None or not self._chosen:
            return {}
        mapped = {code for code, chosen in self._chosen.items() if chosen and chosen.code in self._taxonomy}
        ambiguous = {code for code in mapped if self._crosswalk.occupations[code].is_ambiguous}
        jobs = sum(esco_codes[code] for code in self._chosen)
        return {
            "esco_codes": len(self._chosen),
            "esco_codes_mapped_share": len(mapped) / len(self._chosen),
            "esco_codes_ambiguous_share": len(ambiguous) / len(self._chosen),
            "positions_mapped_share": sum(esco_codes[code] for code in mapped) / jobs,
            "positions_ambiguous_share": sum(esco_codes[code] for code in ambiguous) / jobs,
        }


def _undated_share(people: Sequence[CareerHistory]) -> float:
    positions = [position for person in people for position in person.positions]
    return sum(position.start is None for position in positions) / max(len(positions), 1)
