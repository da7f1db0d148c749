"""Levels of education and the wordings that name them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

_FACULTY = r"(?:arts|science|engineering|education|business|laws|philosophy|fine)"
_DEGREE = rf"(?:['\u2019]?s)?\s+(?:degree|diploma|in\b|of\s+{_FACULTY})"


class DegreeLevel(Enum):
    """A level of education. The value is a pattern of the wordings that name it and, almost surely, nothing else."""

    DOCTORATE = rf"\bph\.?\s?d\b|\bdoctorate|\bdoctoral\b|\bdoctor{_DEGREE}"
    MASTER = rf"\bmaster{_DEGREE}|\bmaster['\u2019]s\b|\bm\.?sc\b|\bmba\b"
    BACHELOR = r"\bbachelor|\bb\.?sc\b|\bundergraduate\s+degree"
    ASSOCIATE = rf"\bassociate{_DEGREE}|\bassociate['\u2019]s\b"
    CERTIFICATE = r"\bcertificate|\bcertification\b|\bdiploma\b"
    APPRENTICESHIP = r"\bapprenticeship|\bvocational\b|\btrade\s+school"
    HIGH_SCHOOL = r"\bhigh[\s-]school|\bsecondary\s+(?:school|education)"
    UNIVERSITY = r"\buniversity\s+(?:stud|degree|education|diploma)|\bcollege\s+(?:degree|education)"


_IMPLIED = {
    DegreeLevel.UNIVERSITY: {DegreeLevel.BACHELOR, DegreeLevel.MASTER, DegreeLevel.DOCTORATE},
    DegreeLevel.CERTIFICATE: {DegreeLevel.HIGH_SCHOOL},
}
"""A level that is also named rightly where the history has another: a master is a university degree."""
_PATTERNS = {level: re.compile(level.value, re.IGNORECASE) for level in DegreeLevel}


def find_degrees(text: str) -> Iterator[tuple[DegreeLevel, re.Match[str]]]:
    """Each naming of a level in `text`, level by level."""
    for level, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            yield level, match


def degree_levels(degree: str) -> set[DegreeLevel]:
    """The levels that may rightly be said of somebody who holds `degree`."""
    named = {level for level, _ in find_degrees(degree)}
    return named | {level for level, sources in _IMPLIED.items() if sources & named}
