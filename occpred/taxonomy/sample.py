"""The embedded sample of O*NET-SOC 2019: enough to run everything without a download."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from occpred.records import Occupation, from_json
from occpred.taxonomy.taxonomy import Taxonomy, TaxonomySource


@dataclass
class SampleTaxonomy(TaxonomySource):
    """150 real occupations across all 22 civilian major groups, taken from O*NET 29.1 (see `data/NOTICE.md`).

    A related list keeps the official order and leaves out what is not in the sample, so ranks close up; every
    occupation keeps at least three. Alternate titles are up to four official ones each that no other O*NET occupation
    shares.
    """

    def load(self) -> Taxonomy:
        text = files("occpred.taxonomy").joinpath("data/sample.jsonl").read_text(encoding="utf-8")
        occupations = [from_json(Occupation, line) for line in text.splitlines()]
        return Taxonomy(f"O*NET sample ({len(occupations)} occupations)", occupations)
