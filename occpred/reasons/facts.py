"""What a history supports: all that a claim may be held against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from occpred.reasons.degrees import DegreeLevel, degree_levels
from occpred.reasons.periods import Period, duration, periods_of
from occpred.reasons.words import fold
from occpred.records import CareerHistory, Position

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy


class Countable(Enum):
    """What a reason may count."""

    POSITION = "positions"
    OCCUPATION = "occupations"
    EMPLOYER = "employers"
    EDUCATION = "educations"
    FIELD = "fields"
    CHANGE = "changes"


@dataclass(frozen=True)
class Facts:
    """The facts of one history.

    Attributes:
        codes: occupations held.
        titles: the words of each position's own and official title.
        texts: the words of every text of the history; `numbers`: the four-digit numbers among them.
        degrees: levels of education; `studies`: the words of each degree and field.
        fields: major groups worked in; `job_zones`: levels worked at.
        periods: when something of the history was under way; `durations`: months that entries, runs of entries in one
            occupation or field, and the whole career lasted.
        counts: the numbers that are true of some counting; `totals`: how many there are.
    """

    codes: frozenset[str]
    titles: tuple[frozenset[str], ...]
    texts: tuple[frozenset[str], ...]
    numbers: frozenset[str]
    degrees: frozenset[DegreeLevel]
    studies: tuple[frozenset[str], ...]
    fields: frozenset[str]
    job_zones: frozenset[int]
    periods: tuple[Period, ...]
    durations: frozenset[int]
    counts: Mapping[Countable, frozenset[int]]
    totals: Mapping[Countable, int]

    @classmethod
    def of(cls, history: CareerHistory, taxonomy: Taxonomy) -> Facts:
        """Collect the facts of `history`. A position whose code `taxonomy` lacks has neither field nor zone."""
        known = [position for position in history.positions if position.occupation_code in taxonomy]
        fields = [taxonomy.major_group(position.occupation_code) for position in known]
        zones = [taxonomy[position.occupation_code].job_zone for position in known]
        official = [taxonomy[position.occupation_code].title for position in known]
        texts = tuple(frozenset(fold(text)) for text in [*_texts(history), *official])
        degrees = [f"{entry.degree} degree {entry.institution}" for entry in history.education]
        counts = {kind: frozenset(numbers) for kind, numbers in _counts(history, fields, zones)}
        return cls(
            codes=frozenset(position.occupation_code for position in history.positions),
            titles=tuple(frozenset(fold(title)) for title in [*(p.title for p in history.positions), *official]),
            texts=texts,
            numbers=frozenset(word for text in texts for word in text if len(word) == 4 and word.isdigit()),
            degrees=frozenset(level for degree in degrees for level in degree_levels(degree)),
            studies=tuple(frozenset(fold(f"{entry.degree} {entry.field}")) for entry in history.education),
            fields=frozenset(fields),
            job_zones=frozenset(zone for zone in zones if zone is not None),
            periods=(*periods_of(history.education), *periods_of(history.positions)),
            durations=frozenset(_durations(history, known, fields)),
            counts=counts,
            totals={kind: max(numbers) for kind, numbers in counts.items()},
        )


def _texts(history: CareerHistory) -> Iterator[str]:
    for entry in history.education:
        yield from (entry.degree, entry.field, entry.institution)
    for position in history.positions:
        yield from (position.title, position.employer, position.description)


def _durations(history: CareerHistory, known: Sequence[Position], fields: Sequence[str]) -> Iterator[int]:
    for period in (*periods_of(history.education), *periods_of(history.positions)):
        if period.months is not None:
            yield period.months
    yield from _runs(known, [position.occupation_code for position in known])
    yield from _runs(known, fields)
    yield from _runs(history.positions, ["career"] * len(history.positions))


def _runs(positions: Sequence[Position], labels: Sequence[str]) -> Iterator[int]:
    """Months of each unbroken run of positions under one label, and of all positions under it together."""
    for _, run in groupby(zip(labels, positions, strict=True), key=lambda pair: pair[0]):
        members = [position for _, position in run]
        if (months := duration(members[0].start, members[-1].end)) is not None:
            yield months
    together: Counter[str] = Counter()
    for label, period in zip(labels, periods_of(positions), strict=True):
        together[label] += period.months or 0
    yield from together.values()


def _counts(
    history: CareerHistory, fields: Sequence[str], zones: Sequence[int | None]
) -> Iterator[tuple[Countable, set[int]]]:
    positions = history.positions
    codes = [position.occupation_code for position in positions]
    employers = [position.employer for position in positions if position.employer]
    dated = [sum(position.start is not None for position in positions), sum(p.end is not None for p in positions)]
    runs = [len(list(run)) for labels in (codes, fields) for _, run in groupby(labels)]
    shares = [*_shares(codes), *_shares(fields), *_shares(zones), *_shares(employers)]
    yield Countable.POSITION, {len(positions), len(employers), *dated, *runs, *shares}
    yield Countable.OCCUPATION, {len(set(codes)), len(positions)}
    yield Countable.EMPLOYER, {len(set(employers)), len(employers)}
    yield Countable.EDUCATION, {len(history.education)}
    yield Countable.FIELD, {len(set(fields))}
    changes = max(len(positions) - 1, 0)
    moves = [sum(one != other for one, other in pairwise(labels)) for labels in (codes, fields, zones)]
    yield Countable.CHANGE, {changes, *moves, *(changes - count for count in moves)}


def _shares(labels: Iterable[Hashable]) -> Iterable[int]:
    return Counter(labels).values()
