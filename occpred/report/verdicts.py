"""How the verdict on a claim is put into words."""

from __future__ import annotations

from occpred.findings import Outcome, Verdict

SIGNS = {Outcome.SUPPORTED: "✓", Outcome.NOT_SUPPORTED: "✗", Outcome.UNDECIDED: "?"}


def grounds(verdict: Verdict) -> str:
    """How many persons a verdict rests on and, where it is undecided, how many would decide it."""
    persons = f"Rests on {verdict.persons:,} {'person' if verdict.persons == 1 else 'persons'}."
    if verdict.persons_needed is not None:
        return (
            f"{persons} About {verdict.persons_needed:,} would decide it with 80% power, were the difference as large "
            "as estimated."
        )
    if verdict.outcome is Outcome.UNDECIDED:
        return f"{persons} No number of persons would decide it, were the difference as large as estimated."
    return persons
