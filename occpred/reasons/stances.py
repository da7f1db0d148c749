"""What a reason expects of the person's next step: to stay or to leave, up or down, the same field or another."""

from __future__ import annotations

import re
from enum import Enum

_FIELD = r"(?:\w+\s+){0,4}?(?:fields?|areas?|sectors?|industry|domain)\b"
_KEEP = r"(?:stay|stays|staying|remain|remains|remaining|keep|keeps|keeping|continue|continues|continuing)\b"
_CHANGE = r"(?:leave|leaves|leaving|change|changing|switch|switching|quit|quitting|abandon)\b"
_JOB = r"(?:occupations?|careers?|professions?|trade)"


class Stance(Enum):
    """An expectation. The value is a pattern of its wordings."""

    STAY = rf"\b{_KEEP}(?!\s+{_FIELD})|\bthe\s+same\s+{_JOB}\b"
    LEAVE = rf"\b{_CHANGE}(?!\s+{_FIELD})|\bmov(?:e|ing)\s+on\b|\b(?:another|a\s+different|a\s+new)\s+{_JOB}\b"
    SAME_FIELD = rf"\b{_KEEP}\s+{_FIELD}|\bthe\s+same\s+(?:field|area|sector|industry)\b"
    OTHER_FIELD = rf"\b{_CHANGE}\s+{_FIELD}|\b(?:another|a\s+different|a\s+new)\s+(?:field|area|sector|industry)\b"
    UP = r"\b(?:step|mov(?:e|ing))\s+up\b|\bhigher\s+(?:level|job\s+zone|position)|\bpromotion\b|\badvance(?:ment)?\b"
    DOWN = r"\b(?:step|mov(?:e|ing))\s+down\b|\blower\s+(?:level|job\s+zone|position)|\bless\s+responsib"


OPPOSITES = (
    (Stance.STAY, Stance.LEAVE),
    (Stance.SAME_FIELD, Stance.OTHER_FIELD),
    (Stance.UP, Stance.DOWN),
)
_OPPOSITE = {one: other for pair in OPPOSITES for one, other in (pair, pair[::-1])}
_PATTERNS = {stance: re.compile(stance.value, re.IGNORECASE) for stance in Stance}
_NEGATED = re.compile(
    r"(?:\b(?:not|never|no\s+longer|unlikely|without|than|instead\s+of|no\s+wish)\b|n['\u2019]t\b)(?:\s+\w+){0,3}\s*$",
    re.IGNORECASE,
)
_UNDECIDED = re.compile(r"\bor\b(?:\s+\w+){0,3}\s*$|\bwhether\b(?:\s+\w+){0,3}\s*$", re.IGNORECASE)
_LOOK_BACK = 60
"""Characters before an expectation in which a negation may stand."""
_OR = re.compile(r"\s+(?:\w+\s+){0,3}?or\b", re.IGNORECASE)


def stances_in(conclusion: str) -> set[Stance]:
    """The expectations that the text `conclusion` states.

    A negation turns one into its opposite (`unlikely to stay`); an alternative (`stay or leave`) states none.
    """
    found = set()
    for stance, pattern in _PATTERNS.items():
        for match in pattern.finditer(conclusion):
            before = conclusion[max(match.start() - _LOOK_BACK, 0) : match.start()]
            if _UNDECIDED.search(before) or _OR.match(conclusion, match.end()):
                continue
            found.add(_OPPOSITE[stance] if _NEGATED.search(before) else stance)
    return found
