"""Telling what a reason reports from what it concludes.

`After five years as a nurse, she wants to become a doctor` reports the nurse and concludes the doctor: only the first
can be held against the history. The switch is found by cue words, clause by clause; quoted words are reported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_SENTENCE_END = re.compile(r"(?<=[.!?;]) ")
_QUOTATION = re.compile(r"\"[^\"]*\"|\u201c[^\u201d]*\u201d")
_CUES = re.compile(
    r"""\b(?:
    (?P<conclusion>
        wants?|wish(?:es)?|would|will|likely|unlikely|probably|perhaps|might|could|should|may(?=\s+[a-z])|seems?|appears?|
        suggests?|suggesting|indicates?|indicating|implies|implying|points?\s+to(?:wards?)?|pointing\s+to(?:wards?)?|
        towards?|aims?|aiming|hopes?|hoping|seeks?|seeking|prefers?|preferring|plans?|planning|aspires?|aspiring|
        expects?|expected|drawn\s+to|ready\s+(?:for|to)|interested\s+in|inclined|becoming|become|future|
        next\s+(?:logical\s+|natural\s+)?(?:occupation|job|role|step|position|move|career)
    )|(?P<report>
        because|since|given|having|based\s+on|due\s+to|shown\s+by|worked|was|were|has|had|have|held|studied|
        graduated|earned|spent|served|completed|joined|obtained|received|employed
    ))\b""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Clause:
    """A stretch of text, at most a sentence long, that either reports or concludes."""

    text: str
    concludes: bool


def split_sentences(text: str) -> list[str]:
    """The sentences of `text` in order, none of them empty, with single spaces. A line break ends a sentence."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [sentence for line in lines for sentence in _SENTENCE_END.split(line) if sentence]


@lru_cache(maxsize=256)
def split_clauses(text: str) -> tuple[Clause, ...]:
    """The clauses of `text` in order. A sentence reports until a cue says otherwise."""
    return tuple(clause for sentence in split_sentences(text) for clause in _clauses_of(sentence))


def reports(text: str) -> list[str]:
    """The stretches of `text` that report."""
    return [clause.text for clause in split_clauses(text) if not clause.concludes]


def conclusions(text: str) -> list[str]:
    """The stretches of `text` that conclude."""
    return [clause.text for clause in split_clauses(text) if clause.concludes]


def _clauses_of(sentence: str) -> list[Clause]:
    clauses, start, concludes = [], 0, False
    quoted = [match.span() for match in _QUOTATION.finditer(sentence)]
    for cue in _CUES.finditer(sentence):
        if any(first < cue.start() < last for first, last in quoted):
            continue
        if concludes != (cue.lastgroup == "conclusion"):
            if cue.start() > start:
                clauses.append(Clause(sentence[start : cue.start()], concludes))
            start, concludes = cue.start(), not concludes
    clauses.append(Clause(sentence[start:], concludes))
    return clauses
