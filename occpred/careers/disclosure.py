"""What of a simulated person shows: education, employers, dates and a few words, hints that sometimes mislead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from occpred.careers import phrases
from occpred.careers.phrases import Flavour, flavour
from occpred.careers.world import Preference, Schooling, World
from occpred.records import CareerHistory, EducationEntry, Position

_TODAY = 12 * 2025
"""Careers are looked at in January 2025; months are counted from year 0."""
_LONGEST_GAP_MONTHS = 3
_LONGEST_SEARCH_MONTHS = 6
_STUDY_YEARS = {1: 1, 2: 4, 3: 2, 4: 4, 5: 2}
_BACHELOR = 4

# Weights of whose phrases a text uses: the calling's, the interest's, those of the job itself, anybody's.
_LIKED = (0.55, 0.20, 0.15, 0.10)
_EMPLOYED = (0.20, 0.00, 0.70, 0.10)
_OUTLOOK_SHARE = 0.5  # of `disclosure`: descriptions that hint at ambition, and as many that hint at stability
_OUTLOOK_HONESTY = 4.0  # log-odds of the fitting hint, per unit of ambition or stability


@dataclass(frozen=True)
class Job:
    """One position as it was lived: the occupation's code and how many months it lasted."""

    code: str
    months: int


class Disclosure:
    """Writes the visible history of simulated people.

    Args:
        world: where they live.
        share: of the positions whose description says what was liked.
        alternate_title_share: of the positions titled with an alternate title, where there is one.
    """

    def __init__(self, world: World, share: float, alternate_title_share: float) -> None:
        self._world = world
        self._share = share
        self._alternate_title_share = alternate_title_share
        self._flavours = {group: flavour(group, world.group_title(group)) for group in world.groups}

    def history(
        self, person_id: str, preference: Preference, schooling: Schooling, jobs: Sequence[Job], random: Random
    ) -> CareerHistory:
        """Write one person's history: all education first, then the positions, of which the last is ongoing."""
        starts = _start_months(jobs, random)
        education = self._education(schooling, starts[0] - random.randint(0, _LONGEST_SEARCH_MONTHS), random)
        ends = [_date(start + job.months) for start, job in zip(starts, jobs, strict=True)]
        positions = tuple(
            Position(
                occupation_code=job.code,
                title=self._title(job, random),
                employer=self._employer(preference, job, random),
                start=_date(start),
                end=end,
                description=self._description(preference, job, random),
            )
            for job, start, end in zip(jobs, starts, [*ends[:-1], None], strict=True)
        )
        return CareerHistory(person_id, education, positions)

    def _education(self, schooling: Schooling, end: int, random: Random) -> tuple[EducationEntry, ...]:
        field = random.choice(self._flavours[schooling.field].fields)
        levels = [_BACHELOR, schooling.level] if schooling.level > _BACHELOR else [schooling.level]
        start = end - 12 * sum(_STUDY_YEARS[level] for level in levels)
        entries = []
        for level in levels:
            end = start + 12 * _STUDY_YEARS[level]
            degree = random.choice(phrases.DEGREES[level])
            institution = f"{_place(random)} {phrases.SCHOOLS[level]}"
            entries.append(EducationEntry(degree, field, institution, _date(start), _date(end)))
            start = end
        return tuple(entries)

    def _title(self, job: Job, random: Random) -> str:
        occupation = self._world.taxonomy[job.code]
        if occupation.alternate_titles and random.random() < self._alternate_title_share:
            return random.choice(occupation.alternate_titles)
        return occupation.title

    def _employer(self, preference: Preference, job: Job, random: Random) -> str:
        return f"{_place(random)} {random.choice(self._pick(_EMPLOYED, preference, job, random).employers)}"

    def _description(self, preference: Preference, job: Job, random: Random) -> str:
        sentences = []
        if random.random() < self._share:
            like = random.choice(self._pick(_LIKED, preference, job, random).likes)
            sentences.append(f"{random.choice(phrases.LIKE_OPENINGS)} {like}.")
        for value, high, low in (
            (preference.ambition, phrases.RISING, phrases.UNHURRIED),
            (preference.stability, phrases.SETTLED, phrases.RESTLESS),
        ):
            if random.random() < self._share * _OUTLOOK_SHARE:
                fits_high = random.random() < 1 / (1 + math.exp(-_OUTLOOK_HONESTY * value))
                sentences.append(f"{random.choice(high if fits_high else low)}.")
        return " ".join(sentences)

    def _pick(self, weights: Sequence[float], preference: Preference, job: Job, random: Random) -> Flavour:
        own, anybody = self._world.taxonomy.major_group(job.code), random.choice(self._world.groups)
        return self._flavours[random.choices((preference.calling, preference.interest, own, anybody), weights)[0]]


def _start_months(jobs: Sequence[Job], random: Random) -> list[int]:
    """When each job began, counted back from the last, which began within its own months before today."""
    starts = [_TODAY - random.randint(1, jobs[-1].months)]
    for job in reversed(jobs[:-1]):
        starts.append(starts[-1] - random.randint(0, _LONGEST_GAP_MONTHS) - job.months)
    return starts[::-1]


def _date(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def _place(random: Random) -> str:
    return random.choice(phrases.PLACE_STARTS) + random.choice(phrases.PLACE_ENDS)
