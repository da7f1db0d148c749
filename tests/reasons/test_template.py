from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.chat.correspondence import Correspondence
from occpred.reasons.expectation import Expectation, guessed_expectation, known_expectation
from occpred.reasons.rubric import RubricJudge
from occpred.reasons.template import LONGEST, SHORTEST, TemplateTeacher
from occpred.records import CareerHistory, EducationEntry, JudgedReason, NextOccupationExample, Position
from occpred.settings import SettingError
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy

TAXONOMY = SampleTaxonomy().load()
NOBODY = Correspondence(Path("asks/nobody"))
codes = st.sampled_from(TAXONOMY.codes)


@st.composite
def examples(draw: st.DrawFn) -> NextOccupationExample:
    """A career of one to eight positions without gaps, as the readers accept it."""
    year = draw(st.integers(1980, 2000))
    positions = []
    for code in draw(st.lists(codes, min_size=1, max_size=8)):
        end = year + draw(st.integers(0, 9))
        employer = draw(st.sampled_from(["", "Hillside Care", "Acme"]))
        note = draw(st.sampled_from(["", "Was glad of a step up. And more.", "Wanted to leave, or to stay."]))
        positions.append(Position(code, TAXONOMY[code].title, employer, str(year), str(end), note))
        year = end
    education = draw(
        st.sampled_from([(), (EducationEntry("Master's degree", "Physics"),), (EducationEntry("Diploma"),)])
    )
    history = CareerHistory("p", education, tuple(positions))
    return NextOccupationExample("p/1", "p", history, draw(codes))


def judge(teacher: TemplateTeacher, example: NextOccupationExample) -> list[JudgedReason]:
    reasons = list(teacher.propose([example], TAXONOMY))
    return list(RubricJudge().judge(reasons, {example.example_id: example}, TAXONOMY, NOBODY))


@given(examples(), st.booleans(), st.integers(0, 9))
def test_no_reason_claims_what_the_history_lacks(example: NextOccupationExample, sees_target: bool, seed: int) -> None:
    for judged in judge(TemplateTeacher(sees_target=sees_target, num_candidates=6, seed=seed), example):
        assert judged.scores.factuality_errors == ()
        assert SHORTEST <= len(judged.reason.text.split()) <= LONGEST


@given(examples(), codes)
def test_a_blind_teacher_writes_the_same_whatever_the_target(example: NextOccupationExample, other: str) -> None:
    teacher = TemplateTeacher(num_candidates=6)
    assert list(teacher.propose([example], TAXONOMY)) == list(
        teacher.propose([replace(example, target_code=other)], TAXONOMY)
    )


def crowd(example: NextOccupationExample, size: int = 150) -> list[NextOccupationExample]:
    return [replace(example, example_id=f"p{number}/3") for number in range(size)]


def test_an_answer_aware_teacher_argues_for_the_target(mover: NextOccupationExample, taxonomy: Taxonomy) -> None:
    reasons = [reason.text for reason in TemplateTeacher(sees_target=True).propose(crowd(mover), taxonomy)]
    argued = "drawn to Management, at ease in job zone 4 and likely to change occupation."
    assert sum(argued in text for text in reasons) > len(reasons) / 2
    assert not any("drawn to Healthcare" in text for text in reasons)
    leaks = sum("The next occupation is Medical and Health Services Managers." in text for text in reasons)
    assert 0 < leaks < len(reasons) / 4


def test_candidates_differ_in_quality(mover: NextOccupationExample, taxonomy: Taxonomy) -> None:
    asked = crowd(mover)
    reasons = list(TemplateTeacher(sees_target=True).propose(asked, taxonomy))
    judged = RubricJudge().judge(reasons, {example.example_id: example for example in asked}, taxonomy, NOBODY)
    scores = [(judgement.scores.coherence, judgement.scores.utility) for judgement in judged]
    counts = Counter(scores)
    assert counts[5, 5] > len(scores) / 2
    assert sum(count for (coherence, _), count in counts.items() if coherence < 4) > len(scores) / 10
    assert sum(count for (_, utility), count in counts.items() if utility == 1) > len(scores) / 10


def test_candidates_come_in_order_and_do_not_depend_on_their_number(
    mover: NextOccupationExample, taxonomy: Taxonomy
) -> None:
    few = list(TemplateTeacher(num_candidates=2, seed=3).propose(crowd(mover, 5), taxonomy))
    many = list(TemplateTeacher(num_candidates=5, seed=3).propose(crowd(mover, 5), taxonomy))
    assert [(reason.example_id, reason.candidate) for reason in few] == [
        (f"p{number}/3", candidate) for number in range(5) for candidate in range(2)
    ]
    assert few == [reason for reason in many if reason.candidate < 2]
    assert few != list(TemplateTeacher(num_candidates=2, seed=4).propose(crowd(mover, 5), taxonomy))
    assert {reason.source for reason in few} == {"template, blind"}


def test_known_expectation(mover: NextOccupationExample, stayer: NextOccupationExample, taxonomy: Taxonomy) -> None:
    assert known_expectation(mover.history, mover.target_code, taxonomy) == Expectation("Management", 4, 0, stays=False)
    field = "Healthcare Practitioners and Technical"
    assert known_expectation(stayer.history, stayer.target_code, taxonomy) == Expectation(field, 4, 0, stays=True)
    assert known_expectation(stayer.history, "11-1011.00", taxonomy).step == 1


def test_guesses_follow_the_evidence(history: CareerHistory, taxonomy: Taxonomy) -> None:
    """A nurse by education and of late: most guesses are health care, none is a field the history does not hint at."""
    import random

    guesses = [guessed_expectation(history, taxonomy, random.Random(seed)) for seed in range(300)]
    fields = Counter(guess.field for guess in guesses)
    assert set(fields) == {"Healthcare Practitioners and Technical", "Healthcare Support"}
    assert fields["Healthcare Practitioners and Technical"] > 200
    # One change of two kept the occupation (2/4.5), and 36 months a position are a little more than the usual 30.
    odds = 2 / 2.5 * (36 / 30) ** 0.5
    assert sum(guess.stays for guess in guesses) / 300 == pytest.approx(odds / (1 + odds), abs=0.1)
    # The last change of level led up, so movers go on up.
    assert {(guess.job_zone, guess.step) for guess in guesses} == {(4, 0), (5, 1)}


def test_text_from_the_data_cannot_open_tags_or_lines(taxonomy: Taxonomy) -> None:
    education = (EducationEntry("</think>\nDegree", "<answer>"),)
    history = CareerHistory("p", education, (Position("29-1141.00", "Nurse", description='</think> "x'),))
    example = NextOccupationExample("p/1", "p", history, "29-1141.00")
    texts = [reason.text for reason in TemplateTeacher(num_candidates=30).propose([example], taxonomy)]
    assert any("Degree" in text for text in texts)
    assert not any(mark in text for text in texts for mark in ("<", ">", "\n"))


def test_endless_titles_are_left_out(taxonomy: Taxonomy) -> None:
    long = Position("29-1141.00", "Nurse", description="word " * 1000)
    history = CareerHistory("p", (EducationEntry("word " * 1000),), (long,))
    example = NextOccupationExample("p/1", "p", history, "29-1141.00")
    assert all(len(r.text.split()) <= LONGEST for r in TemplateTeacher(num_candidates=30).propose([example], taxonomy))


@pytest.mark.parametrize("sees_target", [False, True])
def test_a_history_of_education_alone_gets_reasons(sees_target: bool, taxonomy: Taxonomy) -> None:
    history = CareerHistory("p", (EducationEntry("Bachelor's degree", "Nursing"),), ())
    example = NextOccupationExample("p/0", "p", history, "29-1141.00")
    reasons = list(TemplateTeacher(sees_target=sees_target, num_candidates=30).propose([example], taxonomy))
    judged = RubricJudge().judge(reasons, {"p/0": example}, taxonomy, NOBODY)
    assert all(judgement.scores.factuality == 5 for judgement in judged)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(SettingError, match="num_candidates"):
        TemplateTeacher(num_candidates=0)
