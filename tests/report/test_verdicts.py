"""The grounds of a verdict, in words."""

from __future__ import annotations

from occpred.findings import Outcome, Verdict
from occpred.report.verdicts import SIGNS, grounds


def test_undecided_verdicts_say_what_would_decide_them() -> None:
    undecided = Verdict("b", "", Outcome.UNDECIDED, (), 131, 2310)
    assert grounds(undecided) == (
        "Rests on 131 persons. About 2,310 would decide it with 80% power, were the difference as large as estimated."
    )
    assert "No number of persons would decide it" in grounds(Verdict("b", "", Outcome.UNDECIDED, (), 131))


def test_decided_verdicts_name_their_persons_only() -> None:
    assert grounds(Verdict("a", "", Outcome.SUPPORTED, (), 1)) == "Rests on 1 person."
    assert grounds(Verdict("a", "", Outcome.NOT_SUPPORTED, (), 1200)) == "Rests on 1,200 persons."


def test_every_outcome_has_its_sign() -> None:
    assert len(set(SIGNS.values())) == len(Outcome)
