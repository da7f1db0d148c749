from __future__ import annotations

import pytest

from occpred.careers.crosswalk import Candidate, Crosswalk, EscoOccupation
from occpred.errors import UserError
from occpred.records import Occupation
from occpred.taxonomy.onet import OnetTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy

DEVELOPERS = Candidate("15-1252.00", "Software Developers")
PROGRAMMERS = Candidate("15-1251.00", "Computer Programmers")
SUPPORT = Candidate("15-1232.00", "Computer User Support Specialists")
OTHERS = Candidate("15-1299.00", "Computer Occupations, All Other")
TAXONOMY = Taxonomy(
    "three",
    [
        Occupation("15-1252.00", "Software Developers", alternate_titles=("Application Developer",)),
        Occupation("15-1232.00", "Computer User Support Specialists", alternate_titles=("Help Desk Analyst",)),
        Occupation("15-1299.00", "Computer Occupations, All Other", alternate_titles=("Software Tester",)),
    ],
)


def choose(title, *candidates):
    crosswalk = Crosswalk({"1": EscoOccupation(title, candidates)})
    backwards = Crosswalk({"1": EscoOccupation(title, candidates[::-1])})
    chosen = crosswalk.choose("1", TAXONOMY)
    assert backwards.choose("1", TAXONOMY) == chosen, "the order of the candidates must not count"
    return chosen


def test_the_most_similar_title_wins():
    assert choose("software developer", PROGRAMMERS, DEVELOPERS, SUPPORT) == DEVELOPERS


def test_an_alternate_title_counts_as_much_as_the_official_one():
    assert choose("help desk agent", DEVELOPERS, SUPPORT) == SUPPORT


def test_all_other_comes_last_however_similar():
    assert choose("software tester", OTHERS, SUPPORT) == SUPPORT
    assert choose("software tester", OTHERS) == OTHERS


def test_equal_titles_go_to_the_lowest_code():
    one, other = Candidate("11-0000.01", "Managers"), Candidate("11-0000.02", "Managers")
    assert choose("boss", other, one) == one


def test_equal_alternate_titles_go_to_the_more_similar_official_title():
    taxonomy = Taxonomy(
        "two",
        [
            Occupation("1", "Network Architects", alternate_titles=("Data Analyst",)),
            Occupation("2", "Data Scientists", alternate_titles=("Data Analyst",)),
        ],
    )
    candidates = (Candidate("1", "Network Architects"), Candidate("2", "Data Scientists"))
    assert Crosswalk({"1": EscoOccupation("data analyst", candidates)}).choose("1", taxonomy).code == "2"


def test_a_choice_outside_the_taxonomy_has_no_second_best():
    assert choose("computer programmer", PROGRAMMERS, DEVELOPERS) == PROGRAMMERS
    assert PROGRAMMERS.code not in TAXONOMY


def test_an_unknown_esco_code_has_no_choice():
    with pytest.raises(KeyError):
        Crosswalk({}).choose("1", TAXONOMY)


def test_the_file_is_grouped_by_esco_code(tmp_path):
    path = tmp_path / "crosswalk.csv"
    path.write_text(
        "esco_code,esco_title,onet_code,onet_title\n"
        "2512.4,software developer,15-1252.00,Software Developers\n"
        "2356.1,ict trainer,13-1151.00,Training and Development Specialists\n"
        "2512.4,software developer,15-1251.00,Computer Programmers\n"
    )
    occupations = Crosswalk.load(path).occupations
    assert occupations["2512.4"] == EscoOccupation("software developer", (DEVELOPERS, PROGRAMMERS))
    assert [occupations[code].is_ambiguous for code in ("2512.4", "2356.1")] == [True, False]


def test_a_damaged_file_is_a_clear_error(tmp_path):
    path = tmp_path / "crosswalk.csv"
    path.write_text("esco_code,esco_title,onet_code\n1,2,3\n")
    with pytest.raises(UserError, match="onet_title"):
        Crosswalk.load(path)


def test_choices_on_the_official_files(shared_data):
    crosswalk = Crosswalk.load(shared_data / "esco_crosswalk" / "ESCO_to_ONET-SOC.csv")
    taxonomy = OnetTaxonomy(str(shared_data / "onet_29_1")).load()
    expected = {
        "2511.3": "Data Scientists",
        "2512.4": "Software Developers",
        "3512.1": "Computer User Support Specialists",
        "2519.4": "Business Continuity Planners",
        "3513.2": "Computer Network Support Specialists",
        "2434.2": "Managers, All Other",
    }
    assert {code: crosswalk.choose(code, taxonomy).title for code in expected} == expected
