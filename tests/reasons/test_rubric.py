from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import pytest

from occpred.chat.correspondence import Correspondence
from occpred.reasons.coherence import mark_coherence
from occpred.reasons.factuality import mark_factuality
from occpred.reasons.judge import CoherenceQuestion, FactualityQuestion, UtilityQuestion
from occpred.reasons.rubric import RubricJudge
from occpred.reasons.utility import mark_utility
from occpred.records import NextOccupationExample, Reason
from occpred.taxonomy.taxonomy import Taxonomy

GOOD = (
    "The education is Bachelor's degree in Nursing. The latest position, Registered Nurses, lasted 4 years. "
    "This suggests a person drawn to Management, at ease in job zone 4 and likely to change occupation."
)
BAD = "She worked at Google. She wants to stay and will probably leave."

NOBODY = Correspondence(Path("asks/nobody"))


def reason(text: str, candidate: int = 0) -> Reason:
    return Reason("p1/3", candidate, text, "test")


def test_marks_of_a_good_and_a_bad_reason(mover: NextOccupationExample, taxonomy: Taxonomy) -> None:
    good, bad = RubricJudge().judge([reason(GOOD), reason(BAD, 1)], {"p1/3": mover}, taxonomy, NOBODY)
    # Management and zone 4 are right (+2 +1), Registered Nurses are related (+1).
    assert (good.scores.factuality, good.scores.coherence, good.scores.utility) == (5, 5, 5)
    assert not good.scores.leaks_title
    assert (bad.scores.factuality, bad.scores.coherence, bad.scores.utility) == (1, 3, 1)
    assert bad.scores.factuality_errors == ("unsupported name: Google",)
    assert bad.scores.coherence_errors == ("contradiction: both stay and leave",)
    assert "0 of 1 claims" in bad.scores.justification
    assert (good.reason.candidate, bad.reason.candidate) == (0, 1)


def test_a_language_models_prose_can_be_judged(mover: NextOccupationExample, taxonomy: Taxonomy) -> None:
    true = reason(
        "The user began at Hillside Care (2010-2012) and then joined St. Mary Hospital, first as Staff Nurse and later "
        "as Ward Nurse. **Tenure:** 7 years in nursing show commitment. They may now be ready for a step up into "
        "management."
    )
    false = reason(
        "With a Master of Science from KU Leuven and fifteen years at AZ Sint-Jan, the user worked as a Surgeon. They "
        "will likely go into law."
    )
    well, badly = (judged.scores for judged in RubricJudge().judge([true, false], {"p1/3": mover}, taxonomy, NOBODY))
    assert (well.factuality, well.factuality_errors, well.coherence) == (5, (), 5)
    assert well.utility == 2  # it speaks of managers
    assert badly.factuality == 1
    assert set(badly.factuality_errors) == {
        "unsupported degree: Master of Science",
        "unsupported name: KU Leuven",
        "unsupported name: AZ Sint-Jan",
        "unsupported duration: fifteen years",
        "unsupported occupation: Surgeon",
    }
    assert badly.utility == 1


def test_a_named_target_is_a_leak(mover: NextOccupationExample, taxonomy: Taxonomy) -> None:
    told = reason("She will be a Medical and Health Services Manager.")
    (judged,) = RubricJudge().judge([told], {"p1/3": mover}, taxonomy, NOBODY)
    assert judged.scores.leaks_title


def test_no_question_holds_more_than_it_may() -> None:
    """Factuality never sees the target, coherence sees nothing else, utility never sees the history."""
    assert [field.name for field in fields(FactualityQuestion)] == ["subject", "reason", "history"]
    assert [field.name for field in fields(CoherenceQuestion)] == ["subject", "reason"]
    assert [field.name for field in fields(UtilityQuestion)] == ["subject", "reason", "occupation"]
    assert list(inspect.signature(mark_factuality).parameters) == ["reason", "history", "taxonomy"]
    assert list(inspect.signature(mark_coherence).parameters) == ["reason"]
    assert list(inspect.signature(mark_utility).parameters) == ["reason", "occupation", "taxonomy"]


def test_an_unknown_example_is_refused(mover: NextOccupationExample, taxonomy: Taxonomy) -> None:
    with pytest.raises(KeyError):
        list(RubricJudge().judge([Reason("nobody/1", 0, GOOD, "test")], {"p1/3": mover}, taxonomy, NOBODY))


def test_nothing_to_judge(taxonomy: Taxonomy) -> None:
    assert list(RubricJudge().judge([], {}, taxonomy, NOBODY)) == []
