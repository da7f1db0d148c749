"""One nurse's career, small enough to work out every mark by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from occpred.reasons.preference import PairMaterial
from occpred.records import (
    CareerHistory,
    Completion,
    EducationEntry,
    JudgedReason,
    JudgeScores,
    NextOccupationExample,
    Position,
)
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return SampleTaxonomy().load()


@pytest.fixture(scope="session")
def history() -> CareerHistory:
    """Three positions (24, 36 and 48 months), one employer of the last two, two fields, job zones 3, 4 and 4."""
    return CareerHistory(
        "p1",
        (EducationEntry("Bachelor's degree", "Nursing", "Ghent University", "2006-09", "2010-06"),),
        (
            Position("31-1131.00", "Nursing Assistant", "Hillside Care", "2010-09", "2012-09"),
            Position("29-1141.00", "Staff Nurse", "St. Mary Hospital", "2012-09", "2015-09", "Liked night shifts."),
            Position("29-1141.00", "Ward Nurse", "St. Mary Hospital", "2015-09", "2019-09"),
        ),
    )


@pytest.fixture(scope="session")
def mover(history: CareerHistory) -> NextOccupationExample:
    """The nurse becomes one of the Medical and Health Services Managers (Management, job zone 4)."""
    return NextOccupationExample("p1/3", "p1", history, "11-9111.00")


@pytest.fixture(scope="session")
def stayer(history: CareerHistory) -> NextOccupationExample:
    """The nurse stays one of the Registered Nurses."""
    return NextOccupationExample("p1/3", "p1", history, "29-1141.00")


@pytest.fixture(scope="session")
def pair_material(mover: NextOccupationExample) -> Callable[..., PairMaterial]:
    """Makes the material of the mover alone: what the model wrote, and what is known of it, candidate by candidate."""

    def make(
        *written: tuple[str, str] | str,
        marks: Sequence[tuple[int, int, int]] = (),
        log_probs: Sequence[float] = (),
        log_prob_without_reason: float | None = None,
        oracle: JudgedReason | None = None,
        names_occupation: bool = False,
    ) -> PairMaterial:
        example_id = mover.example_id
        texts = [(text, "") if isinstance(text, str) else text for text in written]
        without = log_prob_without_reason
        return PairMaterial(
            examples=[mover],
            titles={mover.target_code: "Medical and Health Services Managers"},
            names_occupation=names_occupation,
            completions={example_id: [Completion(example_id, n, *text) for n, text in enumerate(texts)]},
            judged={(example_id, number): JudgeScores(*mark) for number, mark in enumerate(marks)},
            oracle={} if oracle is None else {example_id: [oracle]},
            log_probs={(example_id, number): value for number, value in enumerate(log_probs)},
            log_probs_without_reason={} if without is None else {example_id: without},
        )

    return make
