from __future__ import annotations

from random import Random

from occpred.backbones.statements import REMARKS, remarks, roll_call, statements
from occpred.records import Occupation
from occpred.taxonomy.taxonomy import Taxonomy

LEGISLATORS = Occupation("11-1031.00", "Legislators")
CASHIERS = Occupation("41-2011.00", "Cashiers", 1, related=("41-1011.00",), alternate_titles=("Toll Collector",))
SUPERVISORS = Occupation("41-1011.00", "First-Line Supervisors of Retail Sales Workers", 2)
TAXONOMY = Taxonomy("three", (LEGISLATORS, CASHIERS, SUPERVISORS))


def said_of(occupation: Occupation) -> str:
    return " ".join(statements(occupation, TAXONOMY, Random(seed)) for seed in range(100))


def test_what_the_taxonomy_knows_is_said() -> None:
    text = said_of(CASHIERS)
    assert "Sales and Related" in text
    assert "Cashiers need little or no preparation (job zone 1)." in text
    assert "From Cashiers to First-Line Supervisors of Retail Sales Workers is a step up, from job zone 1 to" in text
    assert "The official title for Toll Collector is Cashiers." in text


def test_what_the_taxonomy_does_not_know_is_not_said() -> None:
    text = said_of(LEGISLATORS)
    assert "Management" in text
    assert "job zone" not in text
    assert "related" not in text


def test_a_roll_call_lists_a_group_in_order() -> None:
    assert roll_call("41", TAXONOMY) == (
        "Occupations in Sales and Related: First-Line Supervisors of Retail Sales Workers; Cashiers."
    )


def test_remarks_are_distinct_sentences() -> None:
    assert len(set(REMARKS)) == len(REMARKS)
    text = remarks(Random(0))
    assert 3 <= sum(remark in text for remark in REMARKS) <= 8
