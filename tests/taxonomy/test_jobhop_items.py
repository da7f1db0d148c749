"""The benchmark's items as a taxonomy: groups are families."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from occpred.errors import UserError
from occpred.taxonomy.jobhop_items import JobHopItemsTaxonomy
from occpred.taxonomy.taxonomy import Match, MatchKind

ITEMS = """item_id,label,family,description_en,matched_code
web_developer,web developer,digital_experience,"Build sites, and
keep them.",2513.1
it_auditor,it auditor,tech_management,Audit.,2511.11
"""


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text(ITEMS, encoding="utf-8")
    taxonomy = JobHopItemsTaxonomy(str(tmp_path)).load()
    assert taxonomy.name == "JobHop ICT (2 occupations)"
    assert taxonomy.codes == ("it_auditor", "web_developer")
    assert taxonomy["web_developer"].description == "Build sites, and\nkeep them."
    assert taxonomy.major_group("it_auditor") == "tech_management"
    assert taxonomy.major_group_title("it_auditor") == "tech management"
    assert taxonomy.lookup("Web Developer") == Match("web_developer", MatchKind.NORMALISED)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("family", "group", "has no column 'family'"),
        ("it auditor", "web developer", "two occupations have the title 'web developer'"),
        ("it_auditor", "", "line 4: 'item_id' is empty"),
        (",2511.11", "", "line 4: has 4 fields"),
        ("Audit.", '"Audit', r"items.csv, line 4: unexpected end of data"),
    ],
)
def test_damaged_items_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "items.csv").write_text(ITEMS.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError, match=message):
        JobHopItemsTaxonomy(str(tmp_path)).load()


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no 'items.csv'; give the folder of the JobHop ICT benchmark"):
        JobHopItemsTaxonomy(str(tmp_path)).load()


def test_the_real_items(shared_data: Path) -> None:
    taxonomy = JobHopItemsTaxonomy(str(shared_data / "jobhop_ict")).load()
    assert len(taxonomy) == 47
    assert Counter(taxonomy.major_group(code) for code in taxonomy.codes) == {
        "data_ai": 6,
        "digital_experience": 2,
        "hardware_automation": 4,
        "infrastructure_security": 9,
        "software_engineering": 15,
        "tech_management": 11,
    }
    assert all(occupation.description and not occupation.related for occupation in taxonomy.occupations)
