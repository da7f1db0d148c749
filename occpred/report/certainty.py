"""What is said of measures that rest on certified rankings: which are exact, and how far the others may be off."""

from __future__ import annotations

import math
from dataclasses import dataclass

from occpred.findings import Certainty
from occpred.report.data import Results

EXACT = "exact"


@dataclass(frozen=True)
class CertaintyRow:
    """A measure that may be off, with its largest error in each group as text."""

    label: str
    errors: tuple[str, ...]


def certainty_rows(certainty: Certainty, results: Results) -> tuple[CertaintyRow, ...]:
    """A row for each measure that is shown and may be off, a column for each group."""
    return tuple(
        CertaintyRow(column.label, tuple(_at_most(errors.get(group, 0)) for group in results.groups))
        for column in results.columns
        for errors in [_errors(certainty, column.name)]
        if any(errors.values())
    )


def exact_measures(certainty: Certainty, results: Results) -> str:
    """The labels of the measures that are shown and exact."""
    exact = (column.label for column in results.columns if not any(_errors(certainty, column.name).values()))
    return ", ".join(exact)


def share_at_most(share: float) -> str:
    """A share as text, rounded up."""
    return _at_most(share) if share else "0"


def _errors(certainty: Certainty, metric: str) -> dict[str, float]:
    return {entry.group: entry.error for entry in certainty.errors if entry.metric == metric}


def _at_most(error: float) -> str:
    """Two digits, rounded up: a bound must not get smaller."""
    if error == 0:
        return EXACT
    unit = 10.0 ** (math.floor(math.log10(error)) - 1)
    return f"{math.ceil(error / unit) * unit:.1e}"
