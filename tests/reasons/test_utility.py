from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.reasons.utility import mark_utility
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy

NURSE = (
    "29-1141.00"  # Registered Nurses: Healthcare Practitioners and Technical, job zone 4, related to Nursing Assistants
)
FIELD = "Healthcare Practitioners and Technical"


@pytest.mark.parametrize(
    ("reason", "score", "why"),
    [
        ("A person of many talents.", 1, "it names neither field, level nor occupation"),
        (f"She worked in {FIELD}.", 2, "it reports the field"),
        (f"She is drawn to {FIELD}.", 3, "it concludes the field"),
        (f"She is drawn to {FIELD}, ready for job zone 4.", 4, "it concludes the job zone"),
        (
            f"She was a Nursing Assistant. She is drawn to {FIELD}, ready for job zone 4.",
            5,
            "it names a related occupation",
        ),
        ("She is drawn to Legal.", 1, "it concludes another field"),
        (f"She is drawn to {FIELD}, in job zone 3.", 3, "it concludes the field"),
        (f"She is drawn to {FIELD}, in job zone 2.", 2, "it concludes a far job zone"),
        ("She was a Nursing Assistant.", 2, "it names a related occupation"),
        ("She wants to go into nursing.", 2, "it speaks of nurse"),
        ("The next occupation is Registered Nurses.", 4, "it names the occupation"),
        (f"She is drawn to {FIELD}. The next occupation is Registered Nurses.", 5, "it names the occupation"),
        ("She is a Registered Nurse.", 3, "it reports the occupation"),
        ("She is a Registered Nurse and likely to stay.", 4, "it expects the person to stay in the occupation"),
        (
            f"She is a Registered Nurse, drawn to {FIELD}, at job zone 4 and likely to leave.",
            2,
            "it expects the person to leave the occupation",
        ),
        (
            f"She is a Dishwasher, drawn to {FIELD} and likely to stay in the occupation.",
            1,
            "it expects the person to stay in another occupation",
        ),
    ],
)
def test_hand_worked_marks(reason: str, score: int, why: str, taxonomy: Taxonomy) -> None:
    mark = mark_utility(reason, taxonomy[NURSE], taxonomy)
    assert why in mark.justification
    assert mark.score == score


def test_an_occupation_without_level_or_relations_can_be_marked(taxonomy: Taxonomy) -> None:
    bare = type(taxonomy[NURSE])(NURSE, "Registered Nurses")
    assert mark_utility("She is drawn to job zone 4.", bare, taxonomy).score == 1


TAXONOMY = SampleTaxonomy().load()
FRAGMENTS = [
    "Registered Nurses ",
    "stay ",
    "leave ",
    "will ",
    "was a ",
    "Legal ",
    "job zone ",
    "4 ",
    "9",
    ". ",
    f"{FIELD} ",
]


@given(st.text() | st.lists(st.sampled_from(FRAGMENTS)).map("".join), st.sampled_from(TAXONOMY.occupations))
def test_any_text_gets_a_mark_for_any_occupation(reason: str, occupation: object) -> None:
    assert 1 <= mark_utility(reason, occupation, TAXONOMY).score <= 5  # type: ignore[arg-type]
