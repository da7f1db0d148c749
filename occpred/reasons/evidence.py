"""Sentences of plain fact about a history, for a teacher to build on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from occpred.prompts import plain
from occpred.reasons.periods import duration
from occpred.records import CareerHistory

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

_LONGEST_NOTE = 10


def background(history: CareerHistory, taxonomy: Taxonomy) -> list[str]:
    """What led to the latest position, one sentence each, in order of time. Nothing is guessed."""
    return [
        *_education(history),
        *_fields(history, taxonomy),
        *_changes(history),
        *_levels(history, taxonomy),
        *_notes(history),
    ]


def latest(history: CareerHistory, taxonomy: Taxonomy) -> str:
    """What the person does now, and for how long where that is known."""
    if not history.positions:
        return "The history names no position yet."
    position = history.positions[-1]
    title = plain(taxonomy[position.occupation_code].title)
    years = (duration(position.start, position.end) or 0) // 12
    if not years:
        return f"The latest position is {title}."
    return f"The latest position, {title}, lasted {_count(years, 'year')}."


def outline(history: CareerHistory) -> list[str]:
    """True sentences that speak for nothing: how many entries there are and what they tell."""
    positions = history.positions
    dated, employed = sum(p.start is not None for p in positions), sum(bool(p.employer) for p in positions)
    entries = f"{_count(len(positions), 'position')} and {_count(len(history.education), 'education')}"
    return [
        f"The history lists {entries}, one after the other.",
        f"A start date is given for {dated} of {_count(len(positions), 'position')}.",
        f"An employer is named for {employed} of {_count(len(positions), 'position')}.",
        "The entries are short and stand in order.",
    ]


def _education(history: CareerHistory) -> Iterator[str]:
    if history.education:
        entry = history.education[-1]
        degree, field = plain(entry.degree), plain(entry.field)
        if degree:
            yield f"The education is {degree}{f' in {field}' if field else ''}."


def _fields(history: CareerHistory, taxonomy: Taxonomy) -> Iterator[str]:
    fields = [taxonomy.major_group_title(position.occupation_code) for position in history.positions]
    if fields:
        field, count = max(Counter(reversed(fields)).items(), key=lambda item: item[1])
        share = "The only position was" if len(fields) == 1 else f"{count} of {len(fields)} positions were"
        yield f"{share} in {field}."


def _changes(history: CareerHistory) -> Iterator[str]:
    codes = [position.occupation_code for position in history.positions]
    if len(codes) > 1:
        stays = sum(one == other for one, other in pairwise(codes))
        yield f"The occupation stayed the same at {stays} of {_count(len(codes) - 1, 'change')} of position."


def _levels(history: CareerHistory, taxonomy: Taxonomy) -> Iterator[str]:
    zones = [zone for p in history.positions if (zone := taxonomy[p.occupation_code].job_zone) is not None]
    if len(zones) > 1:
        first, last = zones[0], zones[-1]
        if first == last:
            yield f"The path began and ended in job zone {first}."
        else:
            yield f"The path led {'up' if last > first else 'down'} from job zone {first} to {last}."


def _notes(history: CareerHistory) -> Iterator[str]:
    """How the latest description that begins with few words begins."""
    for position in reversed(history.positions):
        note = plain(position.description).partition(". ")[0].rstrip(".")
        if note and '"' not in note and len(note.split()) <= _LONGEST_NOTE:
            yield f'One note says "{note}".'
            return


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
