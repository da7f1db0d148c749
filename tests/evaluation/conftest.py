"""A small taxonomy with related lists, and people who are asked about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from occpred.evaluation.scores import Scores
from occpred.records import CareerHistory, NextOccupationExample, Occupation, Position
from occpred.taxonomy.taxonomy import Taxonomy


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    """Baker -> Cook -> Waiter are related in a ring of two groups; Soldier has no list."""
    return Taxonomy(
        "test",
        [
            Occupation("11-1", "Baker", related=("11-2", "22-1")),
            Occupation("11-2", "Cook", related=("22-1", "11-1")),
            Occupation("22-1", "Waiter", related=("11-1",)),
            Occupation("33-1", "Soldier"),
        ],
    )


@pytest.fixture(scope="session")
def question() -> Callable[..., NextOccupationExample]:
    """`question("ann", "11-1", "11-2")`: Ann was a baker and becomes a cook."""

    def ask(person: str, last: str, target: str, number: int = 1) -> NextOccupationExample:
        history = CareerHistory(person, (), (Position(last, last),) if last else ())
        return NextOccupationExample(f"{person}/{number}", person, history, target)

    return ask


@pytest.fixture(scope="session")
def answered() -> Callable[..., Scores]:
    """`answered([1, 3], ["ann", "bob"])`: Ann's target ranks first, Bob's third; all but `stayers` are movers."""

    def make(rank_P: Sequence[int], person_ids: Sequence[str] = (), stayers: Sequence[int] = ()) -> Scores:
        ranks_P, size = np.asarray(rank_P, dtype=np.int64), len(rank_P)
        right_P = (ranks_P == 1).astype(np.float64)
        return Scores(
            example_ids=tuple(f"example {row}" for row in range(size)),
            person_ids=tuple(person_ids or (f"person {row}" for row in range(size))),
            is_move_P=np.isin(np.arange(size), stayers, invert=True),
            rank_P=ranks_P,
            acc_em_P=right_P,
            acc_rm_P=np.where(ranks_P < 4, 1 / ranks_P, 0),
            major_group_P=right_P,
            log_prob_P=-np.log(1 + ranks_P),
            confidence_P=np.full(size, 0.5),
        )

    return make
