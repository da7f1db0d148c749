"""The official crosswalk from ESCO to O*NET-SOC 2019, and the choice of one O*NET occupation where it names several.

Source of the table: "ESCO to O*NET-SOC" by the European Commission and the U.S. Department of Labor, O*NET (CC BY 4.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from occpred.taxonomy.table import read_table

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

_ALL_OTHER = ", All Other"


@dataclass(frozen=True)
class Candidate:
    """An O*NET occupation that the crosswalk names for an ESCO occupation."""

    code: str
    title: str


@dataclass(frozen=True)
class EscoOccupation:
    """An ESCO occupation and all that the crosswalk names for it; at least one."""

    title: str
    candidates: tuple[Candidate, ...]

    @property
    def is_ambiguous(self) -> bool:
        """Whether one of several candidates has to be chosen."""
        return len(self.candidates) > 1


@dataclass(frozen=True)
class Crosswalk:
    """All ESCO occupations of the crosswalk by ESCO code.

    The crosswalk is many-to-many, so one candidate is chosen, always the same one, by these rules in this order:

    1. a residual occupation (title ending in ", All Other") only where nothing else is named;
    2. the greatest similarity of the ESCO title with the O*NET title or any of its alternate titles
       (`rapidfuzz.fuzz.token_sort_ratio`, normalised);
    3. the greatest similarity with the O*NET title alone (`rapidfuzz.fuzz.token_set_ratio`, normalised);
    4. the lowest O*NET code.

    All candidates take part: where the chosen one is not in the taxonomy at hand, there is no second best.
    """

    occupations: Mapping[str, EscoOccupation]

    @classmethod
    def load(cls, path: Path) -> Crosswalk:
        """Read the CSV `esco_code, esco_title, onet_code, onet_title`. Raises `UserError` where it is damaged."""
        titles: dict[str, str] = {}
        candidates: dict[str, dict[str, Candidate]] = {}
        for row in read_table(path, ("esco_code", "esco_title", "onet_code", "onet_title")):
            titles.setdefault(row["esco_code"], row["esco_title"])
            named = candidates.setdefault(row["esco_code"], {})
            named[row["onet_code"]] = Candidate(row["onet_code"], row["onet_title"])
        occupations = {code: EscoOccupation(titles[code], tuple(candidates[code].values())) for code in titles}
        return cls(MappingProxyType(occupations))

    def choose(self, esco_code: str, taxonomy: Taxonomy) -> Candidate:
        """The O*NET occupation for `esco_code`, by the rules above. Raises `KeyError` where the crosswalk has none.

        Args:
            esco_code: the code of an ESCO occupation, such as `2512.4`.
            taxonomy: where the alternate titles are taken from. The answer need not be in it.
        """
        from rapidfuzz import fuzz, utils

        occupation = self.occupations[esco_code]
        esco_title = utils.default_process(occupation.title)

        def rank(candidate: Candidate) -> tuple[bool, float, float, str]:
            alternates = taxonomy[candidate.code].alternate_titles if candidate.code in taxonomy else ()
            titles = [utils.default_process(title) for title in (candidate.title, *alternates)]
            by_any_title = max(fuzz.token_sort_ratio(esco_title, title) for title in titles)
            by_official_title = fuzz.token_set_ratio(esco_title, titles[0])
            return candidate.title.endswith(_ALL_OTHER), -by_any_title, -by_official_title, candidate.code

        return min(occupation.candidates, key=rank)
