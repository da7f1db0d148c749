"""The embedded sample: complete in itself, and true to the official release."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from occpred.taxonomy import sample
from occpred.taxonomy.major_groups import SOC_MAJOR_GROUPS
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.taxonomy.taxonomy import Match, MatchKind, Taxonomy

LADDERS = [
    (
        "Nursing Assistants",
        "Licensed Practical and Licensed Vocational Nurses",
        "Registered Nurses",
        "Nurse Practitioners",
    ),
    ("Bookkeeping, Accounting, and Auditing Clerks", "Accountants and Auditors", "Financial Managers"),
    ("Waiters and Waitresses", "Cooks, Restaurant", "Chefs and Head Cooks", "Food Service Managers"),
    ("Helpers--Electricians", "Electricians"),
]


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return SampleTaxonomy().load()


def test_it_covers_every_civilian_major_group(taxonomy: Taxonomy) -> None:
    sizes = Counter(taxonomy.major_group(code) for code in taxonomy.codes)
    assert len(taxonomy) == 150
    assert taxonomy.name == "O*NET sample (150 occupations)"
    assert sizes.keys() == SOC_MAJOR_GROUPS.keys() - {"55"}
    assert min(sizes.values()) >= 4


def test_every_occupation_is_complete(taxonomy: Taxonomy) -> None:
    for occupation in taxonomy.occupations:
        assert occupation.job_zone in range(1, 6)
        assert 1 <= len(occupation.alternate_titles) <= 4
        assert len(occupation.related) >= 3
        assert len(set(occupation.related)) == len(occupation.related)
        assert occupation.code not in occupation.related


def test_careers_can_go_nearly_anywhere_along_related_occupations(taxonomy: Taxonomy) -> None:
    for start in taxonomy.codes:
        reached, frontier = {start}, [start]
        while frontier:
            new = set(taxonomy[frontier.pop()].related) - reached
            reached |= new
            frontier += new
        assert len(reached) >= 140, f"from {start} only {len(reached)} occupations can be reached"


@pytest.mark.parametrize("ladder", LADDERS, ids=lambda ladder: ladder[0])
def test_career_ladders_are_related_step_by_step(taxonomy: Taxonomy, ladder: tuple[str, ...]) -> None:
    codes = [taxonomy.lookup(title).code for title in ladder]
    for below, above in pairwise(codes):
        assert above in taxonomy[below].related


def test_alternate_titles_are_found(taxonomy: Taxonomy) -> None:
    for occupation in taxonomy.occupations:
        for title in occupation.alternate_titles:
            assert taxonomy.lookup(title) == Match(occupation.code, MatchKind.ALTERNATE)


def test_codes_titles_zones_and_related_order_are_official(taxonomy: Taxonomy, official: Taxonomy) -> None:
    for occupation in taxonomy.occupations:
        original = official[occupation.code]
        assert (occupation.title, occupation.job_zone) == (original.title, original.job_zone)
        assert occupation.related == tuple(code for code in original.related if code in taxonomy)


def test_alternate_titles_are_official_and_mean_the_same_in_the_full_taxonomy(
    taxonomy: Taxonomy, official: Taxonomy
) -> None:
    for occupation in taxonomy.occupations:
        assert set(occupation.alternate_titles) <= set(official[occupation.code].alternate_titles)
        assert {official.lookup(title).code for title in occupation.alternate_titles} == {occupation.code}


def test_it_is_a_structured_config() -> None:
    assert OmegaConf.to_object(OmegaConf.structured(SampleTaxonomy)) == SampleTaxonomy()


def test_the_source_is_credited() -> None:
    notice = Path(sample.__file__).parent / "data" / "NOTICE.md"
    text = notice.read_text(encoding="utf-8")
    assert "CC BY 4.0" in text
    assert "U.S. Department of Labor" in text
