"""Pairs of a better and a worse completion, and what became of the examples that give none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from occpred.prompts import plain
from occpred.records import Completion, PreferencePair

_ROUNDING = 1e-9
"""Means of marks are not exact: 13/3 - 10/3 falls short of 1."""


class Unpaired(Enum):
    """Why an example gives no pair; where several reasons hold, the first of these."""

    NO_ORACLE = "no_oracle"
    """No oracle reason for it was kept."""
    EMPTY = "empty"
    """Too few of its completions have all their parts: a reason and, of a model that names occupations, a title."""
    EQUAL_TEXT = "equal_text"
    """All that could be compared say the same."""
    ONE_SIDED = "one_sided"
    """All are right or all wrong, all raise or all lower the probability of the true occupation."""
    TOO_SMALL_GAP = "too_small_gap"
    """The better one is not enough better."""


class UnpairedError(Exception):
    """An example gives no pair, for the reason `why`."""

    def __init__(self, why: Unpaired) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True)
class PairCounts:
    """How many examples there were, gave a pair, or gave none for each reason of `Unpaired`; each counts once."""

    examples: int
    paired: int
    no_oracle: int = 0
    empty: int = 0
    equal_text: int = 0
    one_sided: int = 0
    too_small_gap: int = 0


@dataclass(frozen=True)
class Pairs:
    """The pairs, at most one an example and in the order of examples, and what became of all examples."""

    pairs: tuple[PreferencePair, ...]
    counts: PairCounts


@dataclass(frozen=True)
class Rated:
    """A completion and what it is worth to the rule that compares."""

    completion: Completion
    worth: float


def distinct(rated: Iterable[Rated]) -> list[Rated]:
    """Leave out each completion that a model could not tell from an earlier one.

    Raises:
        UnpairedError: there are not two to compare, or not two that differ.
    """
    rated = list(rated)
    if len(rated) < 2:
        raise UnpairedError(Unpaired.EMPTY)
    firsts: dict[tuple[str, str], Rated] = {}
    for one in rated:
        firsts.setdefault((plain(one.completion.reason), plain(one.completion.answer)), one)
    if len(firsts) < 2:
        raise UnpairedError(Unpaired.EQUAL_TEXT)
    return list(firsts.values())


def pair(chosen: Rated, rejected: Rated) -> PreferencePair:
    """Put two completions of one example together."""
    return PreferencePair(
        chosen.completion.example_id, chosen.completion, rejected.completion, chosen.worth, rejected.worth
    )


def best_against_worst(rated: Iterable[Rated]) -> PreferencePair:
    """Pair the two that are furthest apart; of equally good ones the first. Raises `UnpairedError` as `distinct`."""
    rivals = distinct(rated)
    return pair(max(rivals, key=lambda one: one.worth), min(rivals, key=lambda one: one.worth))


def astride(zero: float, found: PreferencePair) -> PreferencePair:
    """Return `found`, if its chosen completion is worth more than `zero` and its rejected one less.

    Raises:
        UnpairedError: both lie on one side.
    """
    if not found.rejected_worth < zero < found.chosen_worth:
        raise UnpairedError(Unpaired.ONE_SIDED)
    return found


def apart(gap: float, found: PreferencePair) -> PreferencePair:
    """Return `found`, if its chosen completion is worth more by at least `gap`.

    Raises:
        UnpairedError: it is not.
    """
    if found.chosen_worth - found.rejected_worth < gap - _ROUNDING:
        raise UnpairedError(Unpaired.TOO_SMALL_GAP)
    return found
