from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from occpred.reasons.source import Material
from occpred.reasons.template import TemplateTeacher
from occpred.reasons.template_reason import TemplateReason
from occpred.records import CareerHistory, EducationEntry, NextOccupationExample, Position
from occpred.taxonomy.sample import SampleTaxonomy

TAXONOMY = SampleTaxonomy().load()
codes = st.sampled_from(TAXONOMY.codes)


@given(st.lists(codes, max_size=4), codes, codes, st.integers(0, 5))
def test_another_target_changes_nothing(past: list[str], target: str, other: str, seed: int) -> None:
    positions = tuple(Position(code, TAXONOMY[code].title, start="2010", end="2012") for code in past)
    history = CareerHistory("p", (EducationEntry("Diploma", "Nursing"),), positions)
    example = NextOccupationExample("p/1", "p", history, target)
    source = TemplateReason(seed=seed)
    reasons = list(source(Material([example], TAXONOMY), 3))
    assert reasons == list(source(Material([replace(example, target_code=other)], TAXONOMY), 3))
    assert all(reason.text for reason in reasons)


def test_it_is_what_the_blind_teacher_writes(mover: NextOccupationExample) -> None:
    texts = [reason.text for reason in TemplateReason(seed=2)(Material([mover], TAXONOMY), 4)]
    assert texts == [reason.text for reason in TemplateTeacher(seed=2).propose([mover], TAXONOMY)]
