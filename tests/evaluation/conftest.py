"""A small taxonomy with related lists, and people who are asked about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

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
