"""Careers written as strings of one-letter occupations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from occpred.records import CareerHistory, Occupation, Position
from occpred.taxonomy.taxonomy import Taxonomy


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return Taxonomy("letters", [Occupation(code=letter, title=f"Occupation {letter}") for letter in "ABCD"])


@pytest.fixture(scope="session")
def career() -> Callable[[str], CareerHistory]:
    """`career("AAB")` is somebody who was A, A again and then B."""
    return lambda letters: CareerHistory(letters, (), tuple(Position(letter, letter) for letter in letters))
