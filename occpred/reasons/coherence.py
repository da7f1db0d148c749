"""Marking a reason by itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from occpred.reasons.clauses import conclusions, reports, split_sentences
from occpred.reasons.judge import BEST, WORST, Mark
from occpred.reasons.stances import OPPOSITES, stances_in
from occpred.reasons.words import fold

_FEWEST_WORDS = 5
_LONGEST_LOOP, _LOOP_REPEATS = 8, 3
_MARKER = re.compile(
    r"(?:(?:and|but) )?(?:"
    r"(?P<start>first(?:ly)?(?!-|\s+line)|initially|originally|at\s+first|in\s+the\s+beginning)|"
    r"(?P<middle>then|second(?:ly)?|third(?:ly)?|next|afterwards?|later|subsequently|after\s+that)|"
    r"(?P<end>finally|lastly|at\s+last|most\s+recently|currently|now|today))\b",
    re.IGNORECASE,
)
_STAGES = ("start", "middle", "end")
_LOOKS_BACK = re.compile(r"\b(?:before|previous(?:ly)?|earlier|prior|until|back|since)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)", re.ASCII)
_BACKWARD_RANGE = re.compile(
    r"(?:\bfrom\s+|\bbetween\s+)?((?:19|20)\d\d)\s*(?:to|until|and|\u2013|-)\s*((?:19|20)\d\d)",
    re.ASCII | re.IGNORECASE,
)
_ORDER_WORDS = ("good", "problematic", "broken")


@dataclass(frozen=True)
class _Issue:
    text: str
    cost: int = 1


def mark_coherence(reason: str) -> Mark:
    """Mark the order of time in `reason`, its freedom from contradiction, and its form.

    Each issue costs a mark, a contradiction or a loop two: a reason that expects both a thing and its opposite argues
    for nothing.
    """
    if not reason.strip():
        return Mark(WORST, "The reason is empty.", ("empty reason",))
    order = list(_order_issues(reason))
    issues = [*order, *_contradictions(reason), *_faults_of_form(reason)]
    temporal_order = _ORDER_WORDS[min(len(order), 2)]
    score = max(WORST, BEST - sum(issue.cost for issue in issues))
    count = f"{len(issues)} logical issue{'' if len(issues) == 1 else 's'}"
    return Mark(score, f"The order of time is {temporal_order}; {count}.", tuple(issue.text for issue in issues))


def _order_issues(reason: str) -> Iterator[_Issue]:
    sentences = [sentence for sentence in split_sentences(reason) if not _LOOKS_BACK.search(sentence)]
    markers = [match for sentence in sentences if (match := _MARKER.match(sentence))]
    for before, after in pairwise(markers):
        if _STAGES.index(str(after.lastgroup)) < _STAGES.index(str(before.lastgroup)):
            yield _Issue(f"'{_marker(after)}' after '{_marker(before)}'")
    dated = [years[0] for sentence in sentences if (years := _YEAR.findall(" ".join(reports(sentence))))]
    for before_year, after_year in pairwise(dated):
        if after_year < before_year:
            yield _Issue(f"{after_year} is told after {before_year}")
    for match in _BACKWARD_RANGE.finditer(reason):
        if match[2] < match[1]:
            yield _Issue(f"{match[1]} to {match[2]} runs backwards")


def _marker(match: re.Match[str]) -> str:
    return str(match[match.lastgroup or 0]).lower()


def _contradictions(reason: str) -> Iterator[_Issue]:
    stances = {stance for conclusion in conclusions(reason) for stance in stances_in(conclusion)}
    for one, other in OPPOSITES:
        if {one, other} <= stances:
            names = (one.name.lower().replace("_", " "), other.name.lower().replace("_", " "))
            yield _Issue(f"contradiction: both {names[0]} and {names[1]}", cost=2)


def _faults_of_form(reason: str) -> Iterator[_Issue]:
    words = fold(reason)
    if len(words) < _FEWEST_WORDS:
        yield _Issue("too short to argue anything")
    if reason.rstrip()[-1] not in ".!?\"'\u201d\u2019)":
        yield _Issue("breaks off in mid-sentence")
    repeated = [text for text, count in Counter(map(fold, split_sentences(reason))).items() if count > 1]
    if repeated:
        yield _Issue("says the same sentence twice")
    if any(_loops(words, length) for length in range(1, _LONGEST_LOOP + 1)):
        yield _Issue("repeats itself in a loop", cost=2)


def _loops(words: tuple[str, ...], length: int) -> bool:
    """Whether some phrase of `length` words stands `_LOOP_REPEATS` times in a row."""
    run = 0
    for word, later in zip(words, words[length:], strict=False):
        run = run + 1 if word == later else 0
        if run == length * (_LOOP_REPEATS - 1):
            return True
    return False
