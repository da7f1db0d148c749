"""Claims of years, durations, counts and levels."""

from __future__ import annotations

import re
from collections.abc import Iterator

from occpred.reasons.claims import Claim
from occpred.reasons.facts import Countable, Facts

_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_NUMBER = rf"\d{{1,3}}(?![\d.,]*\d)|{'|'.join(_WORDS)}"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_DATE = re.compile(
    rf"(?:\b(?P<name>{'|'.join(_MONTHS)})[a-z]*\.?\s+)?"
    r"(?<![\d.])(?P<year>(?:19|20)\d\d)(?:[-/](?P<month>0[1-9]|1[0-2]))?(?![\d])",
    re.IGNORECASE | re.ASCII,
)
_DURATION = re.compile(
    rf"(?:\b(?P<bound>more than|over|at least|less than|under|fewer than|up to)\s+)?"
    rf"\b(?P<number>{_NUMBER}|a(?=\s+decade))[\s-]+(?P<unit>year|month|decade)s?\b",
    re.IGNORECASE,
)
_MONTHS_IN = {"month": 1, "year": 12, "decade": 120}
_TOLERANCE = {"month": 2, "year": 11, "decade": 23}
"""Months by which a stated duration may miss the true one: people round, and dates may be whole years."""
_AT_LEAST = frozenset({"more than", "over", "at least"})

_NOUNS = {
    Countable.POSITION: "positions?|jobs?|roles?|posts?",
    Countable.OCCUPATION: "occupations?|careers?|professions?",
    Countable.EMPLOYER: r"employers?|company|companies|organi[sz]ations?|firms?",
    Countable.EDUCATION: "educations?|degrees?|diplomas?|qualifications?",
    Countable.FIELD: "fields?|sectors?|industries",
    Countable.CHANGE: "changes?|moves?|transitions?|times",
}
_NO_ADJECTIVE = r"years?|months?|decades?|and|or|of|in|to|as|at|with|for|from|by|on|is|was|has|out"
_COUNT = re.compile(
    rf"(?:\b(?P<last>last|latest|recent|first|past|previous)\s+)?"
    rf"(?:\b(?P<part>{_NUMBER})\s+(?:out\s+)?of\s+(?:(?:the|its|his|her|their|all)\s+)*)?"
    rf"\b(?<![-.,:/])(?P<number>{_NUMBER})\s+(?:(?!(?:{_NO_ADJECTIVE})\b)[^\W\d_][\w-]*\s+){{0,2}}?"
    rf"(?:{'|'.join(f'(?P<{kind.name}>{nouns})' for kind, nouns in _NOUNS.items())})\b",
    re.IGNORECASE,
)
_JOB_ZONE = re.compile(r"\bjob\s+zones?\b[^.\d]{0,25}?(\d+)(?:\s*(?:to|and|through|-)\s*(\d+))?", re.IGNORECASE)


def numeric_claims(report: str, facts: Facts) -> Iterator[Claim]:
    """Each year, duration, count and job zone that the text `report` states, held against `facts`."""
    yield from _dates(report, facts)
    yield from _durations(report, facts)
    yield from _counts(report, facts)
    yield from _job_zones(report, facts)


def job_zones_in(text: str) -> set[int]:
    """The job zones that `text` names."""
    return {int(zone) for match in _JOB_ZONE.finditer(text) for zone in match.groups() if zone and len(zone) == 1}


def _dates(report: str, facts: Facts) -> Iterator[Claim]:
    for match in _DATE.finditer(report):
        january, month = 12 * int(match["year"]), None
        if match["name"]:
            month = _MONTHS.index(match["name"].lower())
        elif match["month"]:
            month = int(match["month"]) - 1
        months = range(january, january + 12) if month is None else [january + month]
        known = any(period.covers(month) for period in facts.periods for month in months)
        yield Claim("date", match[0], known or match["year"] in facts.numbers)


def _durations(report: str, facts: Facts) -> Iterator[Claim]:
    for match in _DURATION.finditer(report):
        unit = match["unit"].lower()
        claimed, slack = _value(match["number"]) * _MONTHS_IN[unit], _TOLERANCE[unit]
        bound = (match["bound"] or "").lower()
        if bound:
            at_least = bound in _AT_LEAST
            supported = any(true >= claimed if at_least else true <= claimed for true in facts.durations)
        else:
            supported = any(abs(true - claimed) <= slack for true in facts.durations)
        yield Claim("duration", match[0], supported)


def _counts(report: str, facts: Facts) -> Iterator[Claim]:
    for match in _COUNT.finditer(report):
        kind = next(kind for kind in Countable if match[kind.name])
        true, number = facts.counts[kind], _value(match["number"])
        if match["part"]:
            supported = number in true and _value(match["part"]) in true | {0}
        elif match["last"]:
            supported = number <= facts.totals[kind]
        elif match["number"].lower() == "one":
            continue  # "that one job" counts nothing
        else:
            supported = number in true
        yield Claim("count", match[0], supported)


def _job_zones(report: str, facts: Facts) -> Iterator[Claim]:
    for match in _JOB_ZONE.finditer(report):
        zones = [zone for zone in match.groups() if zone]
        yield Claim("job zone", match[0], all(zone in map(str, facts.job_zones) for zone in zones))


def _value(number: str) -> int:
    lowered = number.lower()
    if lowered == "a":
        return 1
    return _WORDS.index(lowered) if lowered in _WORDS else int(number)
