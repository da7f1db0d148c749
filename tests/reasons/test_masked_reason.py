from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from occpred.reasons.leaks import leaks_title
from occpred.reasons.masked_reason import MaskedReason
from occpred.reasons.source import Material
from occpred.reasons.template import TemplateTeacher
from occpred.records import CareerHistory, JudgedReason, JudgeScores, NextOccupationExample, Position, Reason
from occpred.taxonomy.sample import SampleTaxonomy

TAXONOMY = SampleTaxonomy().load()
SCORES = JudgeScores(5, 5, 5)


@given(st.lists(st.sampled_from(TAXONOMY.codes), min_size=1, max_size=3), st.integers(0, 5))
def test_oracle_reasons_no_longer_leak(targets: list[str], seed: int) -> None:
    # They have held it before, so their reasons quote it as well.
    targets_by_id = {f"p{number}/1": code for number, code in enumerate(targets)}
    examples = [
        NextOccupationExample(id, id, CareerHistory(id, (), (Position(code, TAXONOMY[code].title),)), code)
        for id, code in targets_by_id.items()
    ]
    oracle: dict[str, list[JudgedReason]] = {id: [] for id in targets_by_id}
    for reason in TemplateTeacher(sees_target=True, seed=seed).propose(examples, TAXONOMY):
        oracle[reason.example_id].append(JudgedReason(reason, SCORES))
    masked = list(MaskedReason()(Material(examples, TAXONOMY, oracle), 4))
    assert len(masked) == 4 * len(examples)
    for reason in masked:
        assert reason.text
        assert not leaks_title(reason.text, targets_by_id[reason.example_id], TAXONOMY)


def test_the_phrase_is_a_setting(mover: NextOccupationExample) -> None:
    leaking = Reason(mover.example_id, 0, "The next occupation is Medical and Health Services Managers.", "teacher")
    oracle = {mover.example_id: [JudgedReason(leaking, SCORES)]}
    (reason,) = MaskedReason(mask="such work")(Material([mover], TAXONOMY, oracle), 1)
    assert reason.text == "The next occupation is such work."


def test_without_a_phrase_a_bare_title_is_no_reason(mover: NextOccupationExample) -> None:
    bare = Reason(mover.example_id, 0, "Medical and Health Services Managers", "teacher")
    oracle = {mover.example_id: [JudgedReason(bare, SCORES)]}
    (reason,) = MaskedReason(mask="")(Material([mover], TAXONOMY, oracle), 1)
    assert reason == replace(bare, text="", source="MaskedReason")
